import type { Json } from "../../engine/stage.ts";
import { columnOf, type Row } from "../artifacts/dataset.ts";
import { byCodeUnit } from "../by-code-unit.ts";

type Splits = ReadonlyMap<string, readonly Row[]>;

const EXAMPLES = 3;

/** What there is to say of a division: counts, how far labels are off their shares, texts that are in several splits. */
export function splitReport(
  splits: Splits,
  group: string | undefined,
): {
  readonly report: { readonly [name: string]: Json };
  readonly metrics: { readonly [name: string]: number };
  readonly warnings: readonly string[];
} {
  const rows = [...splits.values()].flat();
  const deviation = largestDeviation(splits, rows);
  const leaked = textsInSeveralSplits(splits);
  const report = {
    rows: rows.length,
    splits: Object.fromEntries([...splits].map(([name, members]) => [name, countsOf(members)])),
    ...(group !== undefined && { groups: groupsOf(rows, group) }),
    ...(deviation && { largest_label_deviation: deviation }),
    texts_in_several_splits: { texts: leaked.length, examples: leaked.slice(0, EXAMPLES) },
  };
  const metrics = {
    ...Object.fromEntries([...splits].map(([name, { length }]) => [`rows_${name}`, length])),
    texts_in_several_splits: leaked.length,
    ...(deviation && { largest_label_deviation: deviation.difference }),
  };
  return { report, metrics, warnings: warningsOf(splits, leaked.length) };
}

function countsOf(rows: readonly Row[]): { readonly [name: string]: Json } {
  const labels = labelCounts(rows);
  return { rows: rows.length, ...(labels.size > 0 && { labels: Object.fromEntries(labels) }) };
}

/** Rows by label, sorted by label. */
function labelCounts(rows: readonly Row[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of rows)
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => byCodeUnit(a, b)));
}

function groupsOf(rows: readonly Row[], group: string) {
  const values = rows.map((row) => columnOf(row, group) ?? "");
  const named = values.filter((value) => value !== "");
  return { groups: new Set(named).size, rows_without_group: values.length - named.length };
}

/** The label whose share in a split is farthest from its share in all rows; undefined without labels. */
function largestDeviation(splits: Splits, rows: readonly Row[]) {
  const all = labelCounts(rows);
  const deviations = [...splits].flatMap(([split, members]) => {
    const counts = labelCounts(members);
    return [...all].map(([label, count]) => {
      const share = (counts.get(label) ?? 0) / members.length;
      const expected = count / rows.length;
      return { split, label, share, expected, difference: Math.abs(share - expected) };
    });
  });
  return deviations.sort((a, b) => b.difference - a.difference)[0];
}

function textsInSeveralSplits(splits: Splits): readonly string[] {
  const splitOf = new Map<string, string>();
  const leaked = new Set<string>();
  for (const [name, rows] of splits)
    for (const { text } of rows) {
      const first = splitOf.get(text) ?? name;
      splitOf.set(text, first);
      if (first !== name) leaked.add(text);
    }
  return [...leaked].sort(byCodeUnit);
}

function warningsOf(splits: Splits, leaked: number): readonly string[] {
  const labels = labelCounts([...splits.values()].flat());
  const warnings = [...splits].flatMap(([name, rows]) => {
    const present = labelCounts(rows);
    const missing = [...labels.keys()].filter((label) => !present.has(label));
    return missing.map((label) => `no row of the split "${name}" has the label "${label}"`);
  });
  if (leaked > 0)
    warnings.push(
      `${leaked === 1 ? "1 text is" : `${leaked} texts are`} in several splits, in different groups; drop_duplicates of the clean stage takes them out`,
    );
  return warnings;
}
