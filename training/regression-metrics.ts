/** How near predicted numbers come. */
export interface NumberMetrics {
  /** Mean squared error. */
  readonly mse: number;
  /** Mean absolute error. */
  readonly mae: number;
  /** Coefficient of determination; of constant numbers 1 where all are met, else 0, as in scikit-learn. */
  readonly r2: number;
  /** Pearson's correlation; absent where either side is constant, for then there is none. */
  readonly pearson?: number;
  /** Spearman's rank correlation, named as in scipy; absent likewise. */
  readonly spearmanr?: number;
}

/** The same of all numbers of the rows, means of those of each, and of each by itself. */
export interface RegressionMetrics extends NumberMetrics {
  /** What training makes smaller: the mean squared error. */
  readonly loss: number;
  readonly per_number: readonly NumberMetrics[];
}

/** Metrics of predictions [rows, width] against `targets`, in double precision, defined as in scikit-learn and scipy. */
export function regressionMetrics(
  predictions: Float32Array,
  targets: Float32Array,
  width: number,
): RegressionMetrics {
  const columnOf = (values: Float32Array, id: number) =>
    Float64Array.from({ length: values.length / width }, (_, row) => values[row * width + id]!);
  const per_number = Array.from({ length: width }, (_, id) =>
    numberMetrics(columnOf(predictions, id), columnOf(targets, id)),
  );
  const found = {
    mse: mean(per_number.map(({ mse }) => mse)),
    mae: mean(per_number.map(({ mae }) => mae)),
    r2: mean(per_number.map(({ r2 }) => r2)),
  };
  const pearson = meanOfAll(per_number.map(({ pearson }) => pearson));
  const spearmanr = meanOfAll(per_number.map(({ spearmanr }) => spearmanr));
  return {
    loss: found.mse,
    ...found,
    ...(pearson !== undefined && { pearson }),
    ...(spearmanr !== undefined && { spearmanr }),
    per_number,
  };
}

function numberMetrics(predicted: Float64Array, truth: Float64Array): NumberMetrics {
  const errors = predicted.map((value, row) => value - truth[row]!);
  const middle = mean(truth);
  const squares = sum(errors.map((error) => error * error));
  const spread = sum(truth.map((value) => (value - middle) ** 2));
  const pearson = correlation(predicted, truth);
  const spearmanr = correlation(ranksOf(predicted), ranksOf(truth));
  return {
    mse: squares / truth.length,
    mae: mean(errors.map(Math.abs)),
    r2: spread === 0 ? Number(squares === 0) : 1 - squares / spread,
    ...(pearson !== undefined && { pearson }),
    ...(spearmanr !== undefined && { spearmanr }),
  };
}

function correlation(a: Float64Array, b: Float64Array): number | undefined {
  const [middleOfA, middleOfB] = [mean(a), mean(b)];
  const [x, y] = [a.map((value) => value - middleOfA), b.map((value) => value - middleOfB)];
  const lengthOf = (values: Float64Array) => Math.sqrt(sum(values.map((value) => value * value)));
  const [lengthOfX, lengthOfY] = [lengthOf(x), lengthOf(y)];
  if (lengthOfX === 0 || lengthOfY === 0) return undefined;
  const product = sum(x.map((value, row) => (value / lengthOfX) * (y[row]! / lengthOfY)));
  return Math.max(-1, Math.min(1, product));
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranksOf(values: Float64Array): Float64Array {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let begin = 0; begin < order.length; ) {
    let end = begin + 1;
    while (end < order.length && values[order[end]!] === values[order[begin]!]) end++;
    for (let at = begin; at < end; at++) ranks[order[at]!] = (begin + 1 + end) / 2;
    begin = end;
  }
  return ranks;
}

function meanOfAll(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length ? mean(known) : undefined;
}

function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
