import type { GradientGraph, HoistedRows } from "../compute/gradient-graph.ts";
import type { Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { rewrite } from "../compute/rewrite.ts";
import type { ParameterSpec } from "../models/parameters.ts";

/** The loss of a batch, and the gradient of each trained parameter, of its own shape. */
export interface WholeGradients {
  readonly loss: Value;
  readonly gradients: ReadonlyMap<string, Value>;
}

/** A gradient graph with its embedding rows looked up, and their gradients placed, on the device. */
export function wholeGradients(
  { graph, hoisted, dense }: GradientGraph,
  specs: readonly ParameterSpec[],
): WholeGradients {
  const lookups = new Map(hoisted.map(({ lookup }) => [lookup.rows, lookup]));
  const names = [...graph.outputs.keys()];
  const values = rewrite([...graph.outputs.values()], (_, original) => {
    const lookup = lookups.get(original);
    return lookup && ops.gather(lookup.table, lookup.ids);
  });
  const outputOf = (name: string) => values[names.indexOf(name)]!;
  const gradients = new Map([...dense].map(([name, output]) => [name, outputOf(output)]));
  for (const rows of hoisted) {
    if (rows.gradient === undefined) continue;
    const paddingRow = specs.find(({ name }) => name === rows.table)?.paddingRow;
    const placed = placedRows(rows, outputOf(rows.gradient), paddingRow);
    const before = gradients.get(rows.table);
    gradients.set(rows.table, before === undefined ? placed : ops.add(before, placed));
  }
  return { loss: outputOf("loss"), gradients };
}

/** A table of zeros with the rows' gradients; what the padding row looks up has none, as in torch.nn.Embedding. */
function placedRows(
  { lookup }: HoistedRows,
  gradient: Value,
  paddingRow: number | undefined,
): Value {
  const { ids, table } = lookup;
  const count = table.shape[0]!;
  if (paddingRow === undefined) return ops.scatterRows(gradient, ids, count);
  const widths = gradient.shape.slice(ids.shape.length).map(() => 1);
  const isPadding = ops.reshape(ops.equal(ids, paddingRow), [...ids.shape, ...widths]);
  return ops.scatterRows(ops.where(isPadding, 0, gradient), ids, count);
}
