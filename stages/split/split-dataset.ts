import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPort, Json, StageContext } from "../../engine/stage.ts";
import { columnOf, type Dataset, type dataset, type Row } from "../artifacts/dataset.ts";
import { missingColumn } from "../missing-column.ts";
import { assignUnits, fillStrata, positionOf, type Shares, type Unit } from "./assign-units.ts";
import type { SplitParams } from "./split.ts";
import { splitReport } from "./split-report.ts";

type Context = StageContext<SplitParams, { dataset: InputPort<typeof dataset> }>;

/** Divides the rows of a single split by shares, with a report. */
export async function splitDataset(
  { params, seed, inputs, metric, log }: Context,
  shares: Shares,
): Promise<{ dataset: Dataset; report: Json }> {
  const { splits: given } = await inputs.dataset.read();
  if (given.size > 1) throw alreadySplit([...given.keys()]);
  const rows = [...given.values()].flat();
  for (const column of [params.group, params.stratify])
    if (column !== undefined) requireColumn(rows, column);

  const keys = rows.map((row) => unitKey(row, params.group));
  const units = unitsOf(rows, keys, params.stratify, seed);
  const assigned = assignUnits(units, shares);
  const moved = params.stratify === undefined ? new Set() : fillStrata(units, shares, assigned);
  const splits = new Map<string, Row[]>(shares.map(([name]) => [name, []]));
  for (const [i, row] of rows.entries()) splits.get(assigned.get(keys[i]!)!)!.push(row);
  requireRows(splits, shares, rows.length);

  const { report, metrics, warnings } = splitReport(splits, params.group);
  for (const [name, value] of Object.entries(metrics)) metric(name, value);
  for (const warning of warnings) log(`warning: ${warning}`);
  const movedRows = keys.filter((key) => moved.has(key)).length;
  return {
    dataset: { splits },
    report: { ...report, rows_moved_to_stratify: movedRows, warnings },
  };
}

/** Rows with one key share a side. Without a group it is the text: equal texts must not meet in different splits. */
function unitKey(row: Row, group: string | undefined): string {
  const value = group === undefined ? undefined : columnOf(row, group);
  return value === undefined || value === "" ? `text\n${row.text}` : `group\n${value}`;
}

function unitsOf(
  rows: readonly Row[],
  keys: readonly string[],
  stratify: string | undefined,
  seed: number,
): readonly Unit[] {
  const strata = new Map<string, Set<string>>();
  for (const [i, row] of rows.entries()) {
    const values = strata.get(keys[i]!) ?? new Set();
    strata.set(keys[i]!, values);
    if (stratify !== undefined) values.add(columnOf(row, stratify) ?? "");
  }
  return [...strata].map(([key, values]) => ({
    key,
    position: positionOf(seed, key),
    strata: values,
  }));
}

function requireColumn(rows: readonly Row[], column: string): void {
  if (rows.some((row) => columnOf(row, column) !== undefined)) return;
  const labelled = rows.some(({ label }) => label !== undefined);
  const columns = new Set(rows.flatMap((row) => Object.keys(row.columns)));
  throw missingColumn("the dataset", column, [...(labelled ? ["label"] : []), ...columns]);
}

function requireRows(
  splits: ReadonlyMap<string, readonly Row[]>,
  shares: Shares,
  total: number,
): void {
  for (const [name, share] of shares)
    if (splits.get(name)!.length === 0)
      throw new StageFailure({
        code: "empty-split",
        message: `The split "${name}" got no rows: ${total} are too few for a share of ${share}.`,
        hint: "add rows, raise its share, or try another seed",
      });
}

function alreadySplit(names: readonly string[]): StageFailure {
  return new StageFailure({
    code: "already-split",
    message: `The dataset is already split: ${names.join(", ")}.`,
    hint: `split one of them (in: STAGE.${names[0]}), or leave this stage out`,
  });
}
