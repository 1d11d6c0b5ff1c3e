import type { Row } from "../artifacts/dataset.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import type { Format } from "./load-params.ts";

/** What was read of one file. */
export interface FileReport {
  readonly split: string;
  readonly format: Format;
  readonly rows: number;
  readonly blank_lines_skipped: number;
}

/** What a load stage says of its rows: how many, their labels, numbers and tags, and what else they hold. */
export function loadReport(
  splits: ReadonlyMap<string, readonly Row[]>,
  files: readonly FileReport[],
) {
  const all = [...splits.values()].flat();
  const labels = new Map<string, number>();
  for (const row of all)
    for (const label of row.labels ?? (row.label === undefined ? [] : [row.label]))
      labels.set(label, (labels.get(label) ?? 0) + 1);
  const tags = new Set(all.flatMap((row) => row.tags ?? []));
  const asked = all.filter(({ question }) => question !== undefined);
  const without_answer = asked.filter(({ answers }) => !answers?.text.length).length;
  return {
    rows: all.length,
    ...(tags.size > 0 && { tags: [...tags].sort(byCodeUnit) }),
    ...(asked.length > 0 && { questions: { asked: asked.length, without_answer } }),
    ...(all[0]?.numbers && { numbers: numbersReport(all) }),
    splits: Object.fromEntries([...splits].map(([split, rows]) => [split, rows.length])),
    labels: Object.fromEntries([...labels].sort(([a], [b]) => byCodeUnit(a, b))),
    columns: [...new Set(all.flatMap(({ columns }) => Object.keys(columns)))].sort(byCodeUnit),
    empty_texts: all.filter(({ text }) => text === "").length,
    files: files.map((file) => ({ ...file })),
  };
}

function numbersReport(rows: readonly Row[]) {
  const names = Object.keys(rows[0]!.numbers!);
  return Object.fromEntries(
    names.map((name) => {
      let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
      for (const { numbers } of rows) {
        const value = numbers![name]!;
        min = Math.min(min, value);
        max = Math.max(max, value);
        sum += value;
      }
      return [name, { min, max, mean: sum / rows.length }];
    }),
  );
}
