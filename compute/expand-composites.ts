import { constant, sizeOf, type Value } from "./graph.ts";
import { softmax } from "./ops/activation.ts";
import { attentionParts } from "./ops/attention.ts";
import { add, cast, exp, log, mul, reciprocal, sqrt, sub } from "./ops/elementwise.ts";
import { pick } from "./ops/indexing.ts";
import { reshape, transpose } from "./ops/layout.ts";
import { gemm, matMul } from "./ops/matmul.ts";
import { reduceMax, reduceMean, reduceSum } from "./ops/reduce.ts";
import { rewrite } from "./rewrite.ts";

/** The results of a node, made of operations that devices have; undefined to leave it as it is. */
type Expansion = (node: Value) => readonly Value[] | undefined;

/** How each composite is made of other operations. */
export const expansions: Readonly<Record<string, Expansion>> = {
  Linear({ inputs: [x, weight, c], shape }) {
    const rows = reshape(x!, [sizeOf(x!.shape.slice(0, -1)), x!.shape.at(-1)!]);
    return [reshape(gemm(rows, weight!, { ...(c && { c }), transB: true }), shape)];
  },
  /** Result 2 is what was kept of the probabilities, not yet scaled by 1 / (1 - p): v is, for it is smaller. */
  Attention(node) {
    const { q, k, v, mask, dropoutMask, scale, keptScale } = attentionParts(node);
    const scores = matMul(mul(q, scale), transpose(k, [0, 1, 3, 2]));
    const probabilities = softmax(mask === undefined ? scores : add(scores, mask));
    if (dropoutMask === undefined) return [matMul(probabilities, v), probabilities];
    const kept = mul(probabilities, cast(dropoutMask, "float32"));
    return [matMul(kept, mul(v, keptScale)), probabilities, kept];
  },
  Dropout({ inputs: [x, mask], attributes }) {
    const scaled = mul(x!, 1 / (1 - (attributes.p as number)));
    return [mul(scaled, cast(mask!, "float32"))];
  },
  /** A sum over rows is a product with ones: on the processor twice as fast as the reduction. */
  ReduceSum(node) {
    const [x] = node.inputs;
    const [rows, ...width] = x!.shape;
    const { axes, keepDims } = node.attributes as { axes: readonly number[]; keepDims?: boolean };
    if (width.length !== 1 || axes.length !== 1 || axes[0] !== 0) return undefined;
    const sums = matMul(constant(1, [1, rows!]), x!);
    return [keepDims ? sums : reshape(sums, width)];
  },
  RMSNormalization({ inputs: [x, scale], attributes }) {
    const meanSquare = reduceMean(mul(x!, x!), [-1], true);
    const invRms = reciprocal(sqrt(add(meanSquare, attributes.eps as number)));
    return [mul(mul(x!, invRms), scale!), invRms];
  },
  LogSoftmax({ inputs: [x] }) {
    const shifted = sub(x!, reduceMax(x!, [-1], true));
    return [sub(shifted, log(reduceSum(exp(shifted), [-1], true)))];
  },
  CrossEntropyRows({ inputs: [logits, labels] }) {
    const shifted = sub(logits!, reduceMax(logits!, [-1], true));
    return [sub(log(reduceSum(exp(shifted), [-1])), pick(shifted, labels!))];
  },
};

/** The values with every composite replaced by the operations that it stands for. */
export function expandComposites(roots: readonly Value[]): Value[] {
  const results = new Map<Value, readonly Value[]>();
  return rewrite(roots, (node, original) => {
    if (node.op === "Result") {
      const index = node.attributes.index as number;
      return results.get(original.inputs[0]!)?.[index];
    }
    const expanded = expansions[node.op]?.(node);
    if (expanded !== undefined) results.set(original, expanded);
    return expanded?.[0];
  });
}
