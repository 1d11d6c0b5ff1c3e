import { expandComposites } from "../expand-composites.ts";
import { constant, type Graph, graphOf, sizeOf, type TypedArray, type Value } from "../graph.ts";
import { cast, equal, greater, mul } from "../ops/elementwise.ts";
import { gather, scatterRows } from "../ops/indexing.ts";
import { concat, reshape } from "../ops/layout.ts";
import { matMul } from "../ops/matmul.ts";
import { reduceSum } from "../ops/reduce.ts";
import { pushDownSlices } from "../push-down-slices.ts";
import { rewrite } from "../rewrite.ts";

/** Rows whose sums are formed together: bounds the matrix of who equals whom. */
const ROWS_AT_ONCE = 1024;

/**
 * A ScatterRows that gives the same bits in every run on a device that adds in any order: rows of one id are
 * summed by a product first, into the place of their first, and all others of them are zeros.
 */
export function steadyScatter(node: Value): Value {
  const [rows, ids] = node.inputs as [Value, Value];
  const [count, ...row] = node.shape as [number, ...number[]];
  const n = sizeOf(ids.shape);
  if (n < 2 || areDistinct(ids)) return node;
  const flat = reshape(ids, [n]);
  const matrix = reshape(rows, [n, sizeOf(row)]);
  const blocks = Array.from({ length: Math.ceil(n / ROWS_AT_ONCE) }, (_, i) =>
    sumsOfFirsts(matrix, flat, range(i * ROWS_AT_ONCE, Math.min(n, (i + 1) * ROWS_AT_ONCE))),
  );
  return scatterRows(reshape(concat(blocks, 0), [n, ...row]), flat, count);
}

/** The graph with its composites expanded and each ScatterRows in this form. */
export function steadyScatters(graph: Graph): Graph {
  const names = [...graph.outputs.keys()];
  const roots = expandComposites(pushDownSlices([...graph.outputs.values()]));
  const values = rewrite(roots, (node) =>
    node.op === "ScatterRows" ? steadyScatter(node) : undefined,
  );
  return graphOf(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
}

function areDistinct({ op, attributes }: Value): boolean {
  if (op !== "Constant") return false;
  const data = attributes.data as TypedArray;
  return new Set<number | bigint>(data).size === data.length;
}

/** For these places the sum of all rows of the same id, where no earlier place has it; else zeros. */
function sumsOfFirsts(rows: Value, ids: Value, places: Int32Array): Value {
  const n = ids.shape[0]!;
  const [at, all] = [constant(places), constant(range(0, n))];
  const column = (value: Value) => reshape(value, [places.length, 1]);
  const same = cast(equal(column(gather(ids, at)), ids), "float32"); // (places, n)
  const earlier = cast(greater(column(at), all), "float32");
  const before = reduceSum(mul(same, earlier), [1], true); // (places, 1)
  return mul(matMul(same, rows), cast(equal(before, 0), "float32"));
}

function range(begin: number, end: number): Int32Array {
  return Int32Array.from({ length: end - begin }, (_, i) => begin + i);
}
