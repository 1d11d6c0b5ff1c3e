import { input, nameOf, type Value } from "./graph.ts";
import { rewrite } from "./rewrite.ts";

/** Rows of a table that the host gathers before a run, and whose gradient it scatters after it. */
export interface EmbeddingLookup {
  /** The graph input that held the whole table [V, ...row]. */
  readonly table: Value;
  /** Which rows: a graph input, or a constant, of shape [...ids]. */
  readonly ids: Value;
  /** The new graph input, [...ids, ...row]; differentiate with respect to it. */
  readonly rows: Value;
}

/**
 * Replaces each Gather from a table that is a float32 graph input by an input of the gathered rows,
 * named `<table>.rows`, `<table>.rows.1`, … in the order of computation. Where the ids are computed in the
 * graph, the Gather stays. A table with other readers (tied weights) stays an input for those, and
 * its whole gradient is the dense one of those plus the scattered one of the rows.
 */
export function hoistEmbeddings(outputs: Readonly<Record<string, Value>>): {
  readonly outputs: Record<string, Value>;
  readonly lookups: readonly EmbeddingLookup[];
} {
  const lookups: EmbeddingLookup[] = [];
  const names = Object.keys(outputs);
  const values = rewrite(Object.values(outputs), (node) => {
    const [table, ids] = node.inputs;
    if (node.op !== "Gather" || table?.op !== "Input" || table.dtype !== "float32")
      return undefined;
    if (ids?.op !== "Input" && ids?.op !== "Constant") return undefined;
    const earlier = lookups.filter((lookup) => lookup.table === table);
    const same = earlier.find((lookup) => lookup.ids === ids);
    if (same !== undefined) return same.rows;
    const suffix = earlier.length === 0 ? "" : `.${earlier.length}`;
    const rows = input(`${nameOf(table)}.rows${suffix}`, node.shape);
    lookups.push({ table, ids, rows });
    return rows;
  });
  return { outputs: Object.fromEntries(names.map((name, i) => [name, values[i]!])), lookups };
}
