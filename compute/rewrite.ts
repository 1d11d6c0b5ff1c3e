import { makeValue, topologicalOrder, type Value } from "./graph.ts";

/**
 * The roots with some of their nodes replaced. `replace` sees each node, its inputs already replaced,
 * after what it reads, and gives what shall stand for it, or undefined to keep it.
 */
export function rewrite(
  roots: readonly Value[],
  replace: (node: Value, original: Value) => Value | undefined,
): Value[] {
  const done = new Map<Value, Value>();
  for (const original of topologicalOrder(roots)) {
    const inputs = original.inputs.map((read) => done.get(read)!);
    const same = inputs.every((read, i) => read === original.inputs[i]);
    const { op, attributes, shape, dtype } = original;
    const node = same ? original : makeValue(op, inputs, attributes, shape, dtype);
    done.set(original, replace(node, original) ?? node);
  }
  return roots.map((root) => done.get(root)!);
}
