import { sizeOf, type Value } from "./graph.ts";
import { dropout, softmax } from "./ops/activation.ts";
import { attentionParts } from "./ops/attention.ts";
import { add, cast, exp, log, mul, sub, where } from "./ops/elementwise.ts";
import { pick } from "./ops/indexing.ts";
import { reshape, transpose } from "./ops/layout.ts";
import { gemm, matMul } from "./ops/matmul.ts";
import { reduceMax, reduceSum } from "./ops/reduce.ts";
import { rewrite } from "./rewrite.ts";

/** The results of a composite, made of operations that devices have. */
type Expansion = (node: Value) => readonly Value[];

/** How each composite is made of other operations. */
export const expansions: Readonly<Record<string, Expansion>> = {
  Linear({ inputs: [x, weight, c], shape }) {
    const rows = reshape(x!, [sizeOf(x!.shape.slice(0, -1)), x!.shape.at(-1)!]);
    return [reshape(gemm(rows, weight!, { ...(c && { c }), transB: true }), shape)];
  },
  Attention(node) {
    const { q, k, v, mask, dropoutMask, scale, p } = attentionParts(node);
    const scores = matMul(mul(q, scale), transpose(k, [0, 1, 3, 2]));
    const probabilities = softmax(mask === undefined ? scores : add(scores, mask));
    const kept =
      dropoutMask === undefined ? probabilities : dropout(probabilities, dropoutMask, p!);
    return [matMul(expandDropout(kept), v), probabilities, expandDropout(kept)];
  },
  Dropout: (node) => [expandDropout(node)],
  LogSoftmax({ inputs: [x] }) {
    const shifted = sub(x!, reduceMax(x!, [-1], true));
    return [sub(shifted, log(reduceSum(exp(shifted), [-1], true)))];
  },
  CrossEntropyRows({ inputs: [logits, labels] }) {
    const shifted = sub(logits!, reduceMax(logits!, [-1], true));
    return [sub(log(reduceSum(exp(shifted), [-1])), pick(shifted, labels!))];
  },
};

function expandDropout(node: Value): Value {
  if (node.op !== "Dropout") return node;
  const [x, mask] = node.inputs;
  const scale = 1 / (1 - (node.attributes.p as number));
  return where(cast(mask!, "bool"), mul(x!, scale), 0);
}

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
