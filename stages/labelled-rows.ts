import { StageFailure } from "../engine/diagnostic.ts";
import type { Model } from "../models/model.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenRow, TokenSplit } from "./artifacts/tokens.ts";

/** The labels of a split, sorted by code unit; a StageFailure where a row has none. */
export function labelsOfRows(name: string, split: TokenSplit): readonly string[] {
  const without = split.rows.filter(({ label }) => label === undefined);
  if (without.length > 0)
    throw new StageFailure({
      code: "rows-without-label",
      message: `${count(without.length, split)} of the split "${name}" have no label, the first of them "${without[0]!.id}".`,
      hint: "set `label` in the load stage to the column that holds it",
    });
  return [...new Set(split.rows.map(({ label }) => label!))].sort();
}

/** How labels that a model does not know are told of. */
export interface UnknownLabelAdvice {
  /** What the labels are known from: `the split "train"`, `the model`. */
  readonly from: string;
  readonly hint: string;
}

/** A split as training reads it: labels as their index; a StageFailure names a label that is not among `labels`. */
export function labelledRows(
  name: string,
  split: TokenSplit,
  { labels, advice }: { labels: readonly string[]; advice: UnknownLabelAdvice },
): TokenDataset {
  const ids = new Map(labels.map((label, id) => [label, id]));
  const unknown = labelsOfRows(name, split).filter((label) => !ids.has(label));
  const hasLabel = (row: TokenRow, label: string) => row.label === label;
  if (unknown.length > 0) throw unknownLabels(name, split, { unknown, advice, hasLabel });
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    labels: Int32Array.from(split.rows, ({ label }) => ids.get(label!)!),
    rowIds: split.rows.map(({ id }) => id),
  };
}

/** Rows that the model can take: a StageFailure where an id is outside its vocabulary or a row is too long. */
export function requireFit(name: string, split: TokenSplit, model: Model): void {
  let largest = 0;
  for (const ids of [split.inputIds, split.targets?.inputIds ?? [], split.labels ?? []])
    for (const id of ids) if (id > largest) largest = id;
  if (largest >= model.vocabSize)
    throw new StageFailure({
      code: "ids-outside-vocabulary",
      message: `The split "${name}" has the token id ${largest}, but the model's vocabulary has ${model.vocabSize} tokens.`,
      hint: "tokenize with the model's own tokenizer, or leave vocab_size out of the config",
    });
  const lengths = split.rows.map((_, i) => split.offsets[i + 1]! - split.offsets[i]!);
  const tooLong = lengths.filter((length) => length > model.maxLength).length;
  if (tooLong === 0) return;
  const first = lengths.findIndex((length) => length > model.maxLength);
  throw new StageFailure({
    code: "rows-too-long",
    message: `${count(tooLong, split)} of the split "${name}" are longer than the ${model.maxLength} tokens that the model takes (max_position_embeddings); "${split.rows[first]!.id}" has ${lengths[first]}.`,
    hint: `set max_length: ${model.maxLength} in the tokenize stage`,
  });
}

/** The failure of rows with labels, or tags, that are not known where they are needed. */
export function unknownLabels(
  name: string,
  { rows }: TokenSplit,
  {
    unknown,
    advice,
    hasLabel,
  }: {
    unknown: readonly string[];
    advice: UnknownLabelAdvice;
    hasLabel: (row: TokenRow, label: string) => boolean;
  },
): StageFailure {
  const [label] = unknown;
  const having = rows.filter((row) => hasLabel(row, label!));
  const others =
    unknown.length > 1
      ? ` So with ${unknown.length - 1} more labels: ${shownLabels(unknown.slice(1))}.`
      : "";
  return new StageFailure({
    code: "unknown-label",
    message: `The split "${name}" has the label "${label}", which ${advice.from} does not have: ${having.length === 1 ? "1 row" : `${having.length} rows`}, the first of them "${having[0]!.id}".${others}`,
    hint: advice.hint,
  });
}

const SHOWN = 5;

function shownLabels(labels: readonly string[]): string {
  const shown = labels.slice(0, SHOWN).map((label) => `"${label}"`);
  return labels.length > SHOWN ? `${shown.join(", ")}, …` : shown.join(", ");
}

function count(some: number, { rows }: TokenSplit): string {
  return `${some} of ${rows.length === 1 ? "1 row" : `${rows.length} rows`}`;
}
