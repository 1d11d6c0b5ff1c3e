import type { Slots, UpdateRule } from "./rule-optimizer.ts";

/** Added to each square. */
export const LEAST_SQUARE = 1e-30;
/** The root mean square above which a parameter's update is scaled down to it. */
export const CLIP_THRESHOLD = 1;
/** The share of the newest squares in their mean is the step's number to this power. */
export const DECAY_RATE = -0.8;

/**
 * Adafactor (https://arxiv.org/abs/1804.04235) as transformers' Trainer uses it: without relative steps and
 * scaled parameters. The mean squares of a matrix are kept as those of its rows and its columns.
 */
export const adafactor: UpdateRule = {
  slots: (shape) =>
    shape.length === 2
      ? { exp_avg_sq_row: [shape[0]!], exp_avg_sq_col: [shape[1]!] }
      : { exp_avg_sq: shape },
  update({ data, shape }, gradient, slots, { learningRate, weightDecay, step }) {
    const beta = 1 - step ** DECAY_RATE;
    const update = new Float32Array(data.length);
    if (shape.length === 2) factored(update, gradient, slots, { columns: shape[1]!, beta });
    else {
      const squares = slots.exp_avg_sq!;
      for (let i = 0; i < update.length; i++) {
        squares[i] = beta * squares[i]! + (1 - beta) * (gradient[i]! ** 2 + LEAST_SQUARE);
        update[i] = gradient[i]! / Math.sqrt(squares[i]!);
      }
    }
    const scale = learningRate / Math.max(1, rootMeanSquare(update) / CLIP_THRESHOLD);
    const keep = 1 - learningRate * weightDecay;
    for (let i = 0; i < data.length; i++) data[i] = data[i]! * keep - scale * update[i]!;
  },
};

function factored(
  update: Float32Array,
  gradient: Float32Array,
  { exp_avg_sq_row: rows, exp_avg_sq_col: columnMeans }: Slots,
  { columns, beta }: { columns: number; beta: number },
): void {
  const count = update.length / columns;
  const [rowSums, columnSums] = [new Float64Array(count), new Float64Array(columns)];
  for (let i = 0; i < update.length; i++) {
    const square = gradient[i]! ** 2 + LEAST_SQUARE;
    rowSums[Math.floor(i / columns)]! += square;
    columnSums[i % columns]! += square;
  }
  for (let r = 0; r < count; r++)
    rows![r] = beta * rows![r]! + ((1 - beta) * rowSums[r]!) / columns;
  for (let c = 0; c < columns; c++)
    columnMeans![c] = beta * columnMeans![c]! + ((1 - beta) * columnSums[c]!) / count;
  const mean = rows!.reduce((sum, row) => sum + row, 0) / count;
  for (let i = 0; i < update.length; i++) {
    const square = (rows![Math.floor(i / columns)]! / mean) * columnMeans![i % columns]!;
    update[i] = gradient[i]! / Math.sqrt(square);
  }
}

function rootMeanSquare(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
