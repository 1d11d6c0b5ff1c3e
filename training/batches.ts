import type { TensorData } from "../compute/device.ts";
import { permutation, streamKey } from "../models/counter-hash.ts";
import { balancedOrder } from "./balanced-order.ts";
import { type BatchLabels, labelTensors, type Padding, padLabels } from "./batch-labels.ts";
import { paddedLength } from "./padded-length.ts";
import { labelCount, rowCount, rowLength, type TokenDataset } from "./token-dataset.ts";
import type { TrainingBatch } from "./training-step.ts";

/** Rows padded to one length. Arrays are row-major [rows, length]. */
export interface Batch {
  /** Rows of the padded batch; those from `rowNumbers.length` on are empty and weigh nothing. */
  readonly rows: number;
  readonly length: number;
  readonly inputIds: Int32Array;
  readonly attentionMask: Int32Array;
  readonly tokenTypeIds: Int32Array;
  readonly labels: BatchLabels;
  /** Of rows that hold several texts: the place of each token in its text, and the number of its text. */
  readonly texts?: { readonly positionIds: Int32Array; readonly textIds: Int32Array };
  /** Which rows of the dataset these are. */
  readonly rowNumbers: readonly number[];
  /** Tokens without padding, those of targets included. */
  readonly tokens: number;
}

/** How the rows of an epoch are ordered. */
export interface OrderOptions {
  readonly seed: number;
  readonly shuffle: boolean;
  readonly group_by_length: boolean;
  readonly balanced_sampling?: boolean;
  readonly per_device_train_batch_size: number;
  readonly dataloader_drop_last?: boolean;
}

/** The row numbers of each batch of an epoch; the last may be smaller, or left out. Depends on nothing but these. */
export function epochBatches(
  dataset: TokenDataset,
  epoch: number,
  options: OrderOptions,
): number[][] {
  const order = epochOrder(dataset, epoch, options);
  const size = options.per_device_train_batch_size;
  const grouped = options.group_by_length ? groupByLength(dataset, order, size) : order;
  const batches = chunk(grouped, size);
  return options.dataloader_drop_last ? batches.filter((batch) => batch.length === size) : batches;
}

function epochOrder(
  dataset: TokenDataset,
  epoch: number,
  { seed, shuffle, balanced_sampling }: OrderOptions,
): number[] {
  if (balanced_sampling) return balancedOrder(dataset, seed, epoch);
  const rows = rowCount(dataset);
  if (shuffle) return [...permutation(rows, streamKey(seed, "shuffle", epoch))];
  return Array.from({ length: rows }, (_, row) => row);
}

/** The row numbers of the batches of an evaluation: longest rows first, which wastes least padding. */
export function evaluationBatches(dataset: TokenDataset, size: number): number[][] {
  const order = Array.from({ length: rowCount(dataset) }, (_, row) => row);
  order.sort((a, b) => rowLength(dataset, b) - rowLength(dataset, a) || a - b);
  return chunk(order, size);
}

/** These rows of the dataset, padded to one length and to `rows` rows. */
export function padBatch(
  dataset: TokenDataset,
  rowNumbers: readonly number[],
  padding: Padding,
): Batch {
  const { rows, maxLength, padTokenId } = padding;
  const lengths = rowNumbers.map((row) => rowLength(dataset, row));
  const length = paddedLength(Math.max(...lengths), maxLength);
  const inputIds = new Int32Array(rows * length).fill(padTokenId);
  const attentionMask = new Int32Array(rows * length);
  const tokenTypeIds = new Int32Array(rows * length);
  for (const [at, row] of rowNumbers.entries()) {
    const [begin, end] = [dataset.offsets[row]!, dataset.offsets[row + 1]!];
    inputIds.set(dataset.ids.subarray(begin, end), at * length);
    if (dataset.typeIds) tokenTypeIds.set(dataset.typeIds.subarray(begin, end), at * length);
    attentionMask.fill(1, at * length, at * length + end - begin);
  }
  const labels = padLabels(dataset, rowNumbers, { ...padding, length });
  const texts = padTexts(dataset, rowNumbers, { rows, length });
  const targets = dataset.labelsOf === "sequences" ? labelCount(dataset, rowNumbers) : 0;
  const tokens = lengths.reduce((sum, tokensOfRow) => sum + tokensOfRow, targets);
  return {
    rows,
    length,
    inputIds,
    attentionMask,
    tokenTypeIds,
    labels,
    ...(texts && { texts }),
    rowNumbers,
    tokens,
  };
}

/** Padding is of text 0 and at place 0. */
function padTexts(
  { textStarts, offsets }: TokenDataset,
  rowNumbers: readonly number[],
  { rows, length }: { rows: number; length: number },
): Batch["texts"] {
  if (textStarts === undefined) return undefined;
  const positionIds = new Int32Array(rows * length);
  const textIds = new Int32Array(rows * length);
  for (const [at, row] of rowNumbers.entries()) {
    let [place, text] = [0, 0];
    for (const [i, starts] of textStarts.subarray(offsets[row], offsets[row + 1]).entries()) {
      if (starts) [place, text] = [0, text + 1];
      positionIds[at * length + i] = place++;
      textIds[at * length + i] = text;
    }
  }
  return { positionIds, textIds };
}

/** The batch as the graph inputs of its name: `input_ids`, … */
export function batchTensors(batch: Batch): [string, TensorData][] {
  const shape = [batch.rows, batch.length];
  const { labels, texts } = batch;
  return [
    ["input_ids", { dtype: "int32", shape, data: batch.inputIds }],
    ["attention_mask", { dtype: "int32", shape, data: batch.attentionMask }],
    ["token_type_ids", { dtype: "int32", shape, data: batch.tokenTypeIds }],
    ...labelTensors(labels),
    ...(texts ? textTensors(texts, shape) : []),
  ];
}

function textTensors(
  { positionIds, textIds }: NonNullable<Batch["texts"]>,
  shape: readonly number[],
): [string, TensorData][] {
  return [
    ["position_ids", { dtype: "int32", shape, data: positionIds }],
    ["text_ids", { dtype: "int32", shape, data: textIds }],
  ];
}

/** The batch for training; each label's loss has this weight: 1 / labels of a step make batches add up to its mean. Class weights come on top. */
export function trainingBatch(
  batch: Batch,
  weight: number,
  classWeights?: readonly number[],
): TrainingBatch {
  const { rows, length, labels } = batch;
  const ids = labels.data.labels;
  const weights = labels.given.map((one, at) =>
    one === 0 ? 0 : weight * (classWeights === undefined ? 1 : classWeights[ids![at]!]!),
  );
  return {
    sizes: {
      rows,
      length,
      ...(batch.texts && { packed: true }),
      ...(labels.data.decoder_input_ids && { targetLength: labels.shape[1]! }),
    },
    tensors: new Map([
      ...batchTensors(batch),
      ["label_weights", { dtype: "float32", shape: labels.shape, data: weights }],
    ]),
  };
}

/** Sorts by length within stretches of 50 batches, as transformers' LengthGroupedSampler does. */
function groupByLength(dataset: TokenDataset, order: readonly number[], size: number): number[] {
  const byLength = (a: number, b: number) => rowLength(dataset, b) - rowLength(dataset, a);
  return chunk(order, 50 * size).flatMap((stretch) => stretch.sort(byLength));
}

function chunk(order: readonly number[], size: number): number[][] {
  const chunks: number[][] = [];
  for (let at = 0; at < order.length; at += size) chunks.push(order.slice(at, at + size));
  return chunks;
}
