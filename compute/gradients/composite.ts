import { sizeOf, type Value } from "../graph.ts";
import { dropout, softmax } from "../ops/activation.ts";
import { attentionParts } from "../ops/attention.ts";
import { add, erf, exp, mul, sub, tanh, where } from "../ops/elementwise.ts";
import { reshape, transpose } from "../ops/layout.ts";
import { matMul } from "../ops/matmul.ts";
import { layerNormStatistics, rmsNormStatistics } from "../ops/normalization.ts";
import { reduceMean, reduceSum } from "../ops/reduce.ts";
import { oneHot } from "./layout.ts";
import { type GradientRules, unbroadcast } from "./rule.ts";

/** Gradients of the composites: written by hand, from their inputs or from what they computed. */
export const compositeGradients: GradientRules = {
  Softmax: (y, g) => [mul(y, sub(g, reduceSum(mul(g, y), [-1], true)))],
  LogSoftmax: (y, g) => [sub(g, mul(exp(y), reduceSum(g, [-1], true)))],
  Gelu: ({ inputs: [x], attributes }, g) => [
    mul(g, attributes.approximate === "tanh" ? tanhGeluSlope(x!) : geluSlope(x!)),
  ],
  Dropout: ({ inputs: [, mask], attributes }, g) => [
    dropout(g, mask!, attributes.p as number),
    undefined,
  ],
  LayerNormalization: (y, g) => {
    const [x, scale] = y.inputs;
    const { mean, invStd } = layerNormStatistics(y);
    const width = x!.shape.at(-1)!;
    const rows = (value: Value) => reshape(value, [sizeOf(x!.shape) / width, width]);
    const normalized = mul(sub(x!, mean), invStd);
    const gScaled = mul(g, scale!);
    const along = mul(normalized, reduceMean(mul(gScaled, normalized), [-1], true));
    const gx = mul(invStd, sub(sub(gScaled, reduceMean(gScaled, [-1], true)), along));
    return [gx, reduceSum(rows(mul(g, normalized)), [0]), reduceSum(rows(g), [0])];
  },
  RMSNormalization: (y, g) => {
    const [x, scale] = y.inputs;
    const { invRms } = rmsNormStatistics(y);
    const width = x!.shape.at(-1)!;
    const normalized = mul(x!, invRms);
    const gScaled = mul(g, scale!);
    const along = mul(normalized, reduceMean(mul(gScaled, normalized), [-1], true));
    const gScale = reshape(mul(g, normalized), [sizeOf(x!.shape) / width, width]);
    return [mul(invRms, sub(gScaled, along)), reduceSum(gScale, [0])];
  },
  CrossEntropyRows: ({ inputs: [logits, labels] }, g) => {
    const probabilities = softmax(logits!);
    const chosen = oneHot(labels!, logits!.shape[1]!);
    const difference = where(chosen, sub(probabilities, 1), probabilities);
    return [mul(difference, reshape(g, [labels!.shape[0]!, 1])), undefined];
  },
  /**
   * The sum of gradient times probability over a row of scores is the sum of g times output over a row
   * of the smaller output. https://arxiv.org/abs/2205.14135, appendix B.4
   */
  Attention: (output, g) => {
    const { q, k, v, mask, scale, probabilities, kept, keptScale } = attentionParts(output);
    const gScaled = keptScale === 1 ? g : mul(g, keptScale); // (B, h, T, d)
    const gKept = matMul(gScaled, swap(v)); // (B, h, T, S)
    const rowSums = reduceSum(mul(g, output), [-1], true); // (B, h, T, 1)
    const gScores =
      kept === probabilities
        ? mul(probabilities, sub(gKept, rowSums))
        : sub(mul(kept, gKept), mul(probabilities, rowSums));
    const gq = mul(matMul(gScores, k), scale);
    const gk = matMul(swap(gScores), mul(q, scale));
    const gMask = mask && unbroadcast(gScores, mask.shape);
    return [gq, gk, matMul(swap(kept), gScaled), ...(mask ? [gMask] : []), undefined];
  },
};

const swap = (x: Value) => transpose(x, [0, 1, 3, 2]);

/** d/dx x·Φ(x) = Φ(x) + x·φ(x), in the fewest passes over memory: with u = x/√2. */
function geluSlope(x: Value): Value {
  const u = mul(x, Math.SQRT1_2);
  const cumulative = mul(add(erf(u), 1), 0.5);
  const density = exp(sub(-Math.log(Math.PI) / 2, mul(u, u)));
  return add(cumulative, mul(u, density));
}

function tanhGeluSlope(x: Value): Value {
  const [a, b] = [Math.sqrt(2 / Math.PI), 0.044715];
  const square = mul(x, x);
  const t = tanh(mul(mul(x, add(mul(square, b), 1)), a));
  const slope = mul(add(mul(square, 3 * b), 1), a / 2);
  return add(mul(add(t, 1), 0.5), mul(mul(x, slope), sub(1, mul(t, t))));
}
