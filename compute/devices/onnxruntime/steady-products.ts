import { expandComposites } from "../../expand-composites.ts";
import { type Graph, graphOf, type Value } from "../../graph.ts";
import { add } from "../../ops/elementwise.ts";
import { transpose } from "../../ops/layout.ts";
import { matMul } from "../../ops/matmul.ts";
import { pushDownSlices } from "../../push-down-slices.ts";
import { rewrite } from "../../rewrite.ts";

// ONNX Runtime (MLAS) gives each thread a range of the longer axis of a product, and sums in blocks of
// 128, or of more when a thread has 64 columns or fewer: then the bits depend on the number of threads.
const COLUMNS_FOR_A_BLOCK = 64;
const LENGTH_OF_A_BLOCK = 128;

/**
 * The graph with its composites expanded and such products formed transposed, so that threads get
 * rows: bits are equal for up to 4 threads, and up to 16 where there are at most 64 rows.
 */
export function steadyProducts(graph: Graph): Graph {
  const names = [...graph.outputs.keys()];
  const roots = pushDownSlices([...graph.outputs.values()]);
  const values = rewrite(expandComposites(roots), steadied);
  return graphOf(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
}

function steadied(node: Value): Value | undefined {
  if (node.op !== "Gemm") return undefined;
  const [a, b, c] = node.inputs;
  const { transA, transB } = node.attributes;
  const [rows, columns] = node.shape as [number, number];
  const length = a!.shape[transA ? 0 : 1]!;
  const threads = rows <= COLUMNS_FOR_A_BLOCK ? 16 : 4;
  const isSteady =
    rows === 1 || // has a kernel of its own, which sums in order
    rows >= columns ||
    length <= LENGTH_OF_A_BLOCK ||
    columns > threads * COLUMNS_FOR_A_BLOCK;
  if (isSteady) return undefined;
  const product = matMul(transB ? b! : swap(b!), transA ? a! : swap(a!));
  return c === undefined ? swap(product) : add(swap(product), c);
}

const swap = (matrix: Value) => transpose(matrix, [1, 0]);
