import type { TensorData } from "../compute/device.ts";
import type { Model } from "../models/model.ts";
import { paddedLength } from "./padded-length.ts";
import { type TokenDataset, targetOf, targetWidth } from "./token-dataset.ts";

/** What the rows of a batch are to give. */
export interface BatchLabels {
  /** Of each row [rows], of each token [rows, length], of each of a target's [rows, target length], or numbers [rows, width]. */
  readonly shape: readonly number[];
  /** By the names of graph inputs, each of this shape; 0 where there is none. */
  readonly data: Readonly<Record<string, Int32Array | Float32Array>>;
  /** 1 where there is one. */
  readonly given: Float32Array;
}

/** The sizes of a padded batch, and what its model pads with. */
export interface Padding extends Pick<Model, "maxLength" | "padTokenId" | "decoderStartTokenId"> {
  readonly rows: number;
}

interface Sizes extends Padding {
  readonly length: number;
}

/** What these rows of the dataset are to give, padded to a batch. */
export function padLabels(
  dataset: TokenDataset,
  rowNumbers: readonly number[],
  sizes: Sizes,
): BatchLabels {
  if (dataset.targets) return padTargets(dataset, dataset.targets, rowNumbers, sizes);
  if (dataset.labelsOf === "answers") return padAnswers(dataset, rowNumbers, sizes);
  if (dataset.labelsOf === "sequences") return padSequences(dataset, rowNumbers, sizes);
  return padClasses(dataset, rowNumbers, sizes);
}

function padClasses(
  { labels, labelsOf, offsets }: TokenDataset,
  rowNumbers: readonly number[],
  { rows, length }: Sizes,
): BatchLabels {
  const shape = labelsOf === "tokens" ? [rows, length] : [rows];
  const places = labelsOf === "tokens" ? rows * length : rows;
  const [data, given] = [new Int32Array(places), new Float32Array(places)];
  for (const [at, row] of rowNumbers.entries()) {
    const own =
      labelsOf === "tokens"
        ? labels.subarray(offsets[row], offsets[row + 1])
        : labels.subarray(row, row + 1);
    const first = labelsOf === "tokens" ? at * length : at;
    for (const [i, label] of own.entries()) {
      if (label < 0) continue;
      data[first + i] = label;
      given[first + i] = 1;
    }
  }
  return { shape, data: { labels: data }, given };
}

function padAnswers(
  { labels }: TokenDataset,
  rowNumbers: readonly number[],
  { rows }: Sizes,
): BatchLabels {
  const [starts, ends] = [new Int32Array(rows), new Int32Array(rows)];
  for (const [at, row] of rowNumbers.entries()) {
    starts[at] = labels[2 * row]!;
    ends[at] = labels[2 * row + 1]!;
  }
  const given = new Float32Array(rows).fill(1, 0, rowNumbers.length);
  return { shape: [rows], data: { start_positions: starts, end_positions: ends }, given };
}

/** A decoder reads its target from behind a start token: at each place the token before the one to be told. */
function padSequences(
  dataset: TokenDataset,
  rowNumbers: readonly number[],
  { rows, maxLength, padTokenId, decoderStartTokenId }: Sizes,
): BatchLabels {
  const targets = rowNumbers.map((row) => targetOf(dataset, row));
  const longest = Math.max(...targets.map(({ length }) => length));
  const length = paddedLength(longest, maxLength);
  const labels = new Int32Array(rows * length);
  const given = new Float32Array(rows * length);
  const decoder_input_ids = new Int32Array(rows * length).fill(padTokenId);
  for (let at = 0; at < rows; at++) decoder_input_ids[at * length] = decoderStartTokenId!;
  for (const [at, target] of targets.entries()) {
    labels.set(target, at * length);
    given.fill(1, at * length, at * length + target.length);
    decoder_input_ids.set(target.subarray(0, -1), at * length + 1);
  }
  return { shape: [rows, length], data: { labels, decoder_input_ids }, given };
}

function padTargets(
  dataset: TokenDataset,
  targets: Float32Array,
  rowNumbers: readonly number[],
  { rows }: Sizes,
): BatchLabels {
  const width = targetWidth(dataset);
  const data = new Float32Array(rows * width);
  for (const [at, row] of rowNumbers.entries())
    data.set(targets.subarray(row * width, (row + 1) * width), at * width);
  const given = new Float32Array(rows * width).fill(1, 0, rowNumbers.length * width);
  return { shape: [rows, width], data: { labels: data }, given };
}

/** The labels as graph inputs. */
export function labelTensors({ shape, data }: BatchLabels): [string, TensorData][] {
  return Object.entries(data).map(([name, values]) => [
    name,
    values instanceof Int32Array
      ? { dtype: "int32", shape, data: values }
      : { dtype: "float32", shape, data: values },
  ]);
}
