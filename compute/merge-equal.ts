import { type Graph, graphOf, sizeOf, type TypedArray, type Value } from "./graph.ts";
import { rewrite } from "./rewrite.ts";

/** The graph with operations that compute the same from the same made one, as runtimes do it. */
export function mergeEqual(graph: Graph): Graph {
  const numbers = new Map<Value, number>();
  const known = new Map<string, Value>();
  const roots = rewrite([...graph.outputs.values()], (node) => {
    const read = node.inputs.map((value) => numbers.get(value));
    const parts = isTable(node) ? [numbers.size] : [attributesKey(node), read];
    const key = JSON.stringify([node.op, node.dtype, node.shape, ...parts]);
    const equal = known.get(key) ?? node;
    known.set(key, equal);
    if (!numbers.has(equal)) numbers.set(equal, numbers.size);
    return equal;
  });
  const names = [...graph.outputs.keys()];
  return graphOf(Object.fromEntries(names.map((name, i) => [name, roots[i]!])));
}

/** Constants with many elements are not compared: that two are equal is rare, and finding out is not. */
function isTable({ op, shape }: Value): boolean {
  return op === "Constant" && sizeOf(shape) > 64;
}

function attributesKey({ attributes }: Value) {
  return Object.entries(attributes).map(([name, value]) => [
    name,
    ArrayBuffer.isView(value) ? Array.from(value as TypedArray, String) : value,
  ]);
}
