import type { Model } from "../models/model.ts";
import type { Masking } from "./masking.ts";
import type { QuestionSet } from "./question-set.ts";
import { TrainingError } from "./training-error.ts";

/** Rows of token ids with labels, in memory. */
export interface TokenDataset {
  /** All rows one after the other. */
  readonly ids: Int32Array | Uint32Array | Uint16Array;
  /** Where row i begins in `ids`, and after the last row its end: one more than there are rows. */
  readonly offsets: Int32Array | Uint32Array;
  /** The segment of each token; absent: all 0. */
  readonly typeIds?: Uint8Array;
  /**
   * The label of each row as the index of its logit; where `labelsOf` says so, of each token, -1 for none, or two of
   * each row: the tokens at which its answer begins and ends; or the tokens of each row's target, see `labelOffsets`.
   */
  readonly labels: Int32Array;
  /** What has labels; absent: rows. */
  readonly labelsOf?: "tokens" | "answers" | "sequences";
  /** Where the target of row i begins in `labels`, and after the last row its end; of sequences. */
  readonly labelOffsets?: Uint32Array;
  /** As long as `ids`, 1 where a text begins: rows hold several, none of which sees another. Absent: one each. */
  readonly textStarts?: Uint8Array;
  /**
   * Instead of labels: as many numbers of each row as there are logits, one row after the other; of several labels
   * 1 where the row has them, else 0.
   */
  readonly targets?: Float32Array;
  /** Words are hidden anew in each epoch: `labels` are then of all tokens that may be. */
  readonly masking?: Masking;
  /** What the rows ask, whose answers `labels` are of. */
  readonly questions?: QuestionSet;
  /** What a user calls each row. */
  readonly rowIds: readonly string[];
}

/** The number of rows. */
export function rowCount(dataset: TokenDataset): number {
  return dataset.offsets.length - 1;
}

/** The number of tokens of a row. */
export function rowLength(dataset: TokenDataset, row: number): number {
  return dataset.offsets[row + 1]! - dataset.offsets[row]!;
}

/** The tokens of a row's target, of rows that have one. */
export function targetOf({ labels, labelOffsets }: TokenDataset, row: number): Int32Array {
  return labels.subarray(labelOffsets![row], labelOffsets![row + 1]);
}

/** How many numbers each row is to give, of rows with targets. */
export function targetWidth(dataset: TokenDataset): number {
  return dataset.targets!.length / rowCount(dataset);
}

/** How many labels these rows have: what a mean loss divides by. */
export function labelCount(dataset: TokenDataset, rows: readonly number[]): number {
  const { labels, labelsOf, offsets, targets } = dataset;
  if (targets) return rows.length * targetWidth(dataset);
  if (labelsOf === "sequences")
    return rows.reduce((sum, row) => sum + targetOf(dataset, row).length, 0);
  if (labelsOf !== "tokens") return rows.length;
  let count = 0;
  for (const row of rows)
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) if (labels[at]! >= 0) count++;
  return count;
}

/** The weights of these rows' labels in sum, of one for each label: what PyTorch's weighted mean divides by. */
export function labelWeight(
  dataset: TokenDataset,
  rows: readonly number[],
  classWeights: readonly number[],
): number {
  const { labels, labelsOf, offsets } = dataset;
  let sum = 0;
  const add = (label: number) => {
    if (label >= 0) sum += classWeights[label]!;
  };
  for (const row of rows)
    if (labelsOf !== "tokens") add(labels[row]!);
    else for (let at = offsets[row]!; at < offsets[row + 1]!; at++) add(labels[at]!);
  return sum;
}

/** A TrainingError that names the first row which the model cannot take; also for no rows at all. */
export function checkDataset(
  dataset: TokenDataset,
  { model, numLabels }: { model: Model; numLabels: number },
): void {
  const rows = rowCount(dataset);
  if (rows < 1) throw new TrainingError("dataset-empty", "The dataset has no rows.");
  if (dataset.labels.length !== labelPlaces(dataset) || dataset.rowIds.length !== rows)
    throw new Error(`internal: ${rows} rows, ${dataset.labels.length} labels.`);
  if (labelCount(dataset, [...dataset.rowIds.keys()]) === 0)
    throw new TrainingError("dataset-unlabelled", "No token of the dataset has a label.");
  for (let row = 0; row < rows; row++) {
    const problem = problemOf(dataset, row, { model, numLabels });
    if (problem !== undefined)
      throw new TrainingError("dataset-row", `Row "${dataset.rowIds[row]}" ${problem}.`);
  }
}

function labelPlaces(dataset: TokenDataset): number {
  const { labelsOf, offsets, targets } = dataset;
  const rows = rowCount(dataset);
  if (targets) return 0;
  if (labelsOf === "answers") return 2 * rows;
  if (labelsOf === "sequences") return dataset.labelOffsets![rows]!;
  return labelsOf === "tokens" ? offsets[rows]! : rows;
}

function problemOf(
  dataset: TokenDataset,
  row: number,
  { model, numLabels }: { model: Model; numLabels: number },
): string | undefined {
  const { ids, offsets } = dataset;
  const [begin, end] = [offsets[row]!, offsets[row + 1]!];
  if (end <= begin) return "has no tokens";
  if (end - begin > model.maxLength)
    return `has ${end - begin} tokens; the model takes at most ${model.maxLength}`;
  const problem =
    dataset.labelsOf === "sequences"
      ? targetProblem(targetOf(dataset, row), model)
      : labelProblem(dataset, row, numLabels);
  if (problem !== undefined) return problem;
  for (let at = begin; at < end; at++)
    if (ids[at]! < 0 || ids[at]! >= model.vocabSize)
      return `has token id ${ids[at]}; the model's vocabulary has ${model.vocabSize}`;
  return undefined;
}

function targetProblem(target: Int32Array, model: Model): string | undefined {
  if (target.length === 0) return "has a target without tokens";
  if (target.length > model.maxLength)
    return `has a target of ${target.length} tokens; the model takes at most ${model.maxLength}`;
  const unknown = target.find((id) => id < 0 || id >= model.vocabSize);
  if (unknown === undefined) return undefined;
  return `has the token id ${unknown} in its target; the model's vocabulary has ${model.vocabSize}`;
}

function labelProblem(dataset: TokenDataset, row: number, numLabels: number): string | undefined {
  const { labels, labelsOf, offsets, targets } = dataset;
  if (targets) {
    const width = targetWidth(dataset);
    if (width !== numLabels) return `has ${width} numbers; the model gives ${numLabels}`;
    const own = targets.subarray(row * width, (row + 1) * width);
    return own.every(Number.isFinite) ? undefined : "has a number that is not finite";
  }
  const [begin, end] = [offsets[row]!, offsets[row + 1]!];
  if (labelsOf === "answers") {
    const [from, to] = [labels[2 * row]!, labels[2 * row + 1]!];
    if (from >= 0 && from <= to && to < end - begin) return undefined;
    return `has an answer from token ${from} to ${to} of ${end - begin}`;
  }
  const own = labelsOf === "tokens" ? labels.subarray(begin, end) : labels.subarray(row, row + 1);
  const least = labelsOf === "tokens" ? -1 : 0;
  const label = own.find((one) => one < least || one >= numLabels);
  return label === undefined ? undefined : `has label ${label}; the model has ${numLabels} labels`;
}
