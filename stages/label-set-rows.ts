import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenRow, TokenSplit } from "./artifacts/tokens.ts";
import { byCodeUnit } from "./by-code-unit.ts";
import { type UnknownLabelAdvice, unknownLabels } from "./labelled-rows.ts";

/** All labels that rows of a split have, sorted by code unit; a StageFailure where rows have no sets of labels. */
export function labelsOfSets(name: string, { rows }: TokenSplit): readonly string[] {
  if (rows.some(({ labels }) => labels === undefined))
    throw new StageFailure({
      code: "rows-without-labels",
      message: `The rows of the split "${name}" have no sets of labels.`,
      hint: "set `labels` in the load stage to the column that holds them",
    });
  const labels = [...new Set(rows.flatMap((row) => row.labels!))].sort(byCodeUnit);
  if (labels.length > 0) return labels;
  throw new StageFailure({
    code: "no-label",
    message: `No row of the split "${name}" has a label.`,
    hint: "look at the column that `labels` in the load stage names",
  });
}

/** A split as training reads it: for each label 1 where the row has it, else 0; a StageFailure names a label that is not among `labels`. */
export function labelSetRows(
  name: string,
  split: TokenSplit,
  { labels, advice }: { labels: readonly string[]; advice: UnknownLabelAdvice },
): TokenDataset {
  const ids = new Map(labels.map((label, id) => [label, id]));
  const unknown = labelsOfSets(name, split).filter((label) => !ids.has(label));
  const hasLabel = (row: TokenRow, label: string) => row.labels!.includes(label);
  if (unknown.length > 0) throw unknownLabels(name, split, { unknown, advice, hasLabel });
  const targets = new Float32Array(split.rows.length * labels.length);
  for (const [row, { labels: own }] of split.rows.entries())
    for (const label of own!) targets[row * labels.length + ids.get(label)!] = 1;
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    labels: new Int32Array(0),
    targets,
    rowIds: split.rows.map(({ id }) => id),
  };
}
