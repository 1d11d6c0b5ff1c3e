import type { Value } from "./graph.ts";

/** The operations that read a value, in their order; one that reads it twice is there twice. Undefined where none does. */
export function readersOf(order: readonly Value[]): ReadonlyMap<Value, readonly Value[]> {
  const readers = new Map<Value, Value[]>();
  for (const node of order)
    for (const read of node.inputs) {
      const known = readers.get(read);
      if (known === undefined) readers.set(read, [node]);
      else known.push(node);
    }
  return readers;
}
