/** How well one class is found. Values are 0 where they would divide by 0, as in scikit-learn. */
export interface ClassMetrics {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Rows that have this label. */
  readonly support: number;
}

/** How well labels are predicted. */
export interface ClassificationMetrics {
  /** Mean cross entropy in nats. */
  readonly loss: number;
  readonly accuracy: number;
  /** Mean of the classes' F1, over the classes that are a label or a prediction of any row. */
  readonly macro_f1: number;
  /** The same, each class weighted by its support. */
  readonly weighted_f1: number;
  readonly per_class: readonly ClassMetrics[];
  /** Rows by true label (first index) and predicted label. */
  readonly confusion_matrix: readonly (readonly number[])[];
}

/**
 * Metrics of logits [rows, labels], in double precision, defined as in scikit-learn.
 * https://scikit-learn.org/stable/modules/model_evaluation.html#classification-metrics
 */
export function classificationMetrics(
  logits: Float32Array,
  truth: Int32Array,
  labels: readonly string[],
): ClassificationMetrics {
  const rows = truth.length;
  const matrix = labels.map(() => labels.map(() => 0));
  let loss = 0;
  let correct = 0;
  for (const [row, predicted] of predictedLabels(logits, labels.length).entries()) {
    const label = truth[row]!;
    matrix[label]![predicted]! += 1;
    if (label === predicted) correct += 1;
    loss += crossEntropy(logits.subarray(row * labels.length, (row + 1) * labels.length), label);
  }
  const perClass = labels.map((label, id) => classMetrics(label, matrix, id));
  const present = perClass.filter((_, id) =>
    matrix.some((row, i) => row[id]! + (i === id ? sum(row) : 0) > 0),
  );
  return {
    loss: loss / rows,
    accuracy: correct / rows,
    macro_f1: sum(present.map(({ f1 }) => f1)) / present.length,
    weighted_f1: sum(perClass.map(({ f1, support }) => f1 * support)) / rows,
    per_class: perClass,
    confusion_matrix: matrix,
  };
}

/** The label with the highest logit of each row; the first of several. */
export function predictedLabels(logits: Float32Array, labels: number): Int32Array {
  const predicted = new Int32Array(logits.length / labels);
  for (let row = 0; row < predicted.length; row++) {
    let best = 0;
    for (let label = 1; label < labels; label++)
      if (logits[row * labels + label]! > logits[row * labels + best]!) best = label;
    predicted[row] = best;
  }
  return predicted;
}

/** The probability of each label: softmax of a row of logits. */
export function probabilitiesOf(logits: Float32Array): Float64Array {
  const highest = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - highest));
  const total = sum(powers);
  return powers.map((power) => power / total);
}

function crossEntropy(logits: Float32Array, label: number): number {
  const highest = Math.max(...logits);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  return Math.log(total) + highest - logits[label]!;
}

function classMetrics(
  label: string,
  matrix: readonly (readonly number[])[],
  id: number,
): ClassMetrics {
  const support = sum(matrix[id]!);
  const predicted = sum(matrix.map((row) => row[id]!));
  return classMetricsOf(label, { hits: matrix[id]![id]!, support, predicted });
}

/** The metrics of a class that was found `hits` times, is there `support` times and was predicted so often. */
export function classMetricsOf(
  label: string,
  { hits, support, predicted }: { hits: number; support: number; predicted: number },
): ClassMetrics {
  const precision = predicted === 0 ? 0 : hits / predicted;
  const recall = support === 0 ? 0 : hits / support;
  const f1 = support + predicted === 0 ? 0 : (2 * hits) / (support + predicted);
  return { label, precision, recall, f1, support };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
