import { gradients } from "./autodiff.ts";
import { type Graph, graphOf, nameOf, ShapeError, topologicalOrder, type Value } from "./graph.ts";
import { type EmbeddingLookup, hoistEmbeddings } from "./hoist-embeddings.ts";
import { mul } from "./ops/elementwise.ts";
import { pushDownSlices } from "./push-down-slices.ts";
import { recomputeSegments } from "./recompute-segments.ts";

/** Rows of one table in a gradient graph, by the names under which they enter and leave it. */
export interface HoistedRows {
  /** The name of the parameter whose rows these are. */
  readonly table: string;
  /** Which rows, and the input that takes them. */
  readonly lookup: EmbeddingLookup;
  /** The graph input to fill with the rows. */
  readonly rows: string;
  /** The output with the rows' gradient, of the same shape; undefined where the table is not trained. */
  readonly gradient: string | undefined;
}

/** What one training step computes on a device. */
export interface GradientGraph {
  /** Outputs: those given, and the gradients under the names below. */
  readonly graph: Graph;
  readonly hoisted: readonly HoistedRows[];
  /** Parameter name -> name of its dense gradient. Parameters whose only use is hoisted are absent. */
  readonly dense: ReadonlyMap<string, string>;
}

export interface GradientGraphOptions {
  /** Values after which all is computed again for the backward pass, instead of being kept. */
  readonly boundaries?: readonly Value[];
  /** A scalar that every gradient is multiplied by, from the loss on; the loss itself is not. */
  readonly lossScale?: Value;
}

/**
 * The graph of `outputs` (among them the scalar `loss`) and of the gradients of the loss for these
 * parameters, with embedding rows hoisted. A parameter's gradient is the output `<name>.gradient`. One
 * that the loss does not depend on has none, as in PyTorch.
 */
export function gradientGraph(
  outputs: Readonly<Record<string, Value>> & { readonly loss: Value },
  parameters: readonly Value[],
  { boundaries: given = [], lossScale }: GradientGraphOptions = {},
): GradientGraph {
  const { kept, boundaries, lookups } = narrowed(outputs, given);
  const loss = kept.loss;
  if (loss === undefined) throw new ShapeError('gradientGraph: needs an output "loss".');
  const read = new Set(topologicalOrder([loss]));
  const trained = new Set(parameters);
  const dense = parameters.filter((value) => read.has(value));
  const rows = lookups.filter((lookup) => trained.has(lookup.table) && read.has(lookup.rows));
  const sources = [...dense, ...rows.map((lookup) => lookup.rows)];
  const all = gradients(lossScale === undefined ? loss : mul(loss, lossScale), sources);
  const found =
    boundaries.length === 0
      ? all
      : recomputeSegments({ loss, boundaries, sources, gradients: all });
  const named = sources.map((value, i) => [gradientName(value), found[i]!] as const);
  return {
    graph: graphOf({ ...kept, ...Object.fromEntries(named) }),
    hoisted: lookups.map((lookup) => ({
      table: nameOf(lookup.table),
      lookup,
      rows: nameOf(lookup.rows),
      gradient: rows.includes(lookup) ? gradientName(lookup.rows) : undefined,
    })),
    dense: new Map(dense.map((value) => [nameOf(value), gradientName(value)])),
  };
}

/** The outputs computed only where they are read, and with hoisted embeddings; the boundaries with them. */
function narrowed(outputs: Readonly<Record<string, Value>>, boundaries: readonly Value[]) {
  const names = [...Object.keys(outputs), ...boundaries.map((_, i) => `boundary ${i}`)];
  const values = pushDownSlices([...Object.values(outputs), ...boundaries]);
  const hoisted = hoistEmbeddings(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
  const entries = Object.entries(hoisted.outputs);
  const count = entries.length - boundaries.length;
  return {
    kept: Object.fromEntries(entries.slice(0, count)),
    boundaries: entries.slice(count).map(([, value]) => value),
    lookups: hoisted.lookups,
  };
}

function gradientName(value: Value): string {
  return `${nameOf(value)}.gradient`;
}
