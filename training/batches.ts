import type { TensorData } from "../compute/device.ts";
import { permutation, streamKey } from "../models/counter-hash.ts";
import { rowCount, rowLength, type TokenDataset } from "./token-dataset.ts";
import type { TrainingBatch } from "./training-step.ts";

/** Rows padded to one length. Arrays are row-major [rows, length]. */
export interface Batch {
  /** Rows of the padded batch; those from `rowNumbers.length` on are empty and weigh nothing. */
  readonly rows: number;
  readonly length: number;
  readonly inputIds: Int32Array;
  readonly attentionMask: Int32Array;
  readonly tokenTypeIds: Int32Array;
  /** Of each row; 0 for an empty one. */
  readonly labels: Int32Array;
  /** Which rows of the dataset these are. */
  readonly rowNumbers: readonly number[];
  /** Tokens without padding. */
  readonly tokens: number;
}

/** How the rows of an epoch are ordered. */
export interface OrderOptions {
  readonly seed: number;
  readonly shuffle: boolean;
  readonly group_by_length: boolean;
  readonly per_device_train_batch_size: number;
}

/** The row numbers of each batch of an epoch; the last may be smaller. Depends on nothing but these. */
export function epochBatches(
  dataset: TokenDataset,
  epoch: number,
  options: OrderOptions,
): number[][] {
  const rows = rowCount(dataset);
  const order = options.shuffle
    ? [...permutation(rows, streamKey(options.seed, "shuffle", epoch))]
    : Array.from({ length: rows }, (_, row) => row);
  const size = options.per_device_train_batch_size;
  return chunk(options.group_by_length ? groupByLength(dataset, order, size) : order, size);
}

/** The row numbers of the batches of an evaluation: longest rows first, which wastes least padding. */
export function evaluationBatches(dataset: TokenDataset, size: number): number[][] {
  const order = Array.from({ length: rowCount(dataset) }, (_, row) => row);
  order.sort((a, b) => rowLength(dataset, b) - rowLength(dataset, a) || a - b);
  return chunk(order, size);
}

/**
 * The length to which a batch is padded: multiples of 8, and from 64 on of an eighth of the power of
 * two below, so that at most about 8 lengths in each octave need a compiled graph and padding stays
 * under an eighth. Never above the model's longest row. Padding changes results only by rounding.
 */
export function paddedLength(longest: number, maxLength: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(longest)) - 3));
  return Math.min(Math.ceil(longest / step) * step, maxLength);
}

/** These rows of the dataset, padded to one length and to `rows` rows. */
export function padBatch(
  dataset: TokenDataset,
  rowNumbers: readonly number[],
  { rows, maxLength, padTokenId }: { rows: number; maxLength: number; padTokenId: number },
): Batch {
  const lengths = rowNumbers.map((row) => rowLength(dataset, row));
  const length = paddedLength(Math.max(...lengths), maxLength);
  const inputIds = new Int32Array(rows * length).fill(padTokenId);
  const attentionMask = new Int32Array(rows * length);
  const tokenTypeIds = new Int32Array(rows * length);
  const labels = new Int32Array(rows);
  for (const [at, row] of rowNumbers.entries()) {
    const [begin, end] = [dataset.offsets[row]!, dataset.offsets[row + 1]!];
    inputIds.set(dataset.ids.subarray(begin, end), at * length);
    if (dataset.typeIds) tokenTypeIds.set(dataset.typeIds.subarray(begin, end), at * length);
    attentionMask.fill(1, at * length, at * length + end - begin);
    labels[at] = dataset.labels[row]!;
  }
  const tokens = lengths.reduce((sum, tokensOfRow) => sum + tokensOfRow, 0);
  return { rows, length, inputIds, attentionMask, tokenTypeIds, labels, rowNumbers, tokens };
}

/** The batch as the graph inputs of its name: `input_ids`, … */
export function batchTensors(batch: Batch): [string, TensorData][] {
  const shape = [batch.rows, batch.length];
  return [
    ["input_ids", { dtype: "int32", shape, data: batch.inputIds }],
    ["attention_mask", { dtype: "int32", shape, data: batch.attentionMask }],
    ["token_type_ids", { dtype: "int32", shape, data: batch.tokenTypeIds }],
    ["labels", { dtype: "int32", shape: [batch.rows], data: batch.labels }],
  ];
}

/** The batch for training; each row's loss has this weight: 1 / rows of a step make batches add up to its mean. */
export function trainingBatch(batch: Batch, rowWeight: number): TrainingBatch {
  const { rows, length, rowNumbers } = batch;
  const weights = new Float32Array(rows).fill(rowWeight, 0, rowNumbers.length);
  return {
    sizes: { rows, length },
    tensors: new Map([
      ...batchTensors(batch),
      ["label_weights", { dtype: "float32", shape: [rows], data: weights }],
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
