import { type ClassMetrics, classMetricsOf } from "./metrics.ts";

/** How well sets of labels are predicted, each label by itself. */
export interface LabelSetMetrics {
  /** Mean binary cross entropy of all labels of all rows, in nats. */
  readonly loss: number;
  /** The share of rows whose whole set of labels is right. */
  readonly subset_accuracy: number;
  /** Of all labels of all rows together. */
  readonly micro_f1: number;
  readonly micro_precision: number;
  readonly micro_recall: number;
  /** Mean of the labels' F1. */
  readonly macro_f1: number;
  /** The same, each label weighted by its support. */
  readonly weighted_f1: number;
  readonly per_class: readonly ClassMetrics[];
}

/** The probability of one label: the logistic function of its logit. */
export function probabilityOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/**
 * Metrics of logits [rows, labels] against `targets` (1 where a row has the label), in double precision, defined as in
 * scikit-learn, 0 where they would divide by 0. A label counts as predicted where its probability is above the threshold.
 */
export function labelSetMetrics(
  logits: Float32Array,
  targets: Float32Array,
  { labels, threshold }: { labels: readonly string[]; threshold: number },
): LabelSetMetrics {
  const counts = labels.map(() => ({ hits: 0, support: 0, predicted: 0 }));
  const rows = targets.length / labels.length;
  let [loss, rightRows] = [0, 0];
  for (let row = 0; row < rows; row++) {
    let isRight = true;
    for (const [id, count] of counts.entries()) {
      const logit = logits[row * labels.length + id]!;
      const truth = targets[row * labels.length + id]!;
      const predicted = Number(probabilityOf(logit) > threshold);
      loss += Math.max(logit, 0) - logit * truth + Math.log1p(Math.exp(-Math.abs(logit)));
      count.hits += truth * predicted;
      count.support += truth;
      count.predicted += predicted;
      if (truth !== predicted) isRight = false;
    }
    if (isRight) rightRows++;
  }
  const per_class = labels.map((label, id) => classMetricsOf(label, counts[id]!));
  const total = (of: "hits" | "support" | "predicted") =>
    counts.reduce((sum, count) => sum + count[of], 0);
  const support = total("support");
  const all = classMetricsOf("", { hits: total("hits"), support, predicted: total("predicted") });
  return {
    loss: loss / targets.length,
    subset_accuracy: rightRows / rows,
    micro_f1: all.f1,
    micro_precision: all.precision,
    micro_recall: all.recall,
    macro_f1: per_class.reduce((sum, { f1 }) => sum + f1, 0) / labels.length,
    weighted_f1:
      per_class.reduce((sum, each) => sum + each.f1 * each.support, 0) / Math.max(1, support),
    per_class,
  };
}
