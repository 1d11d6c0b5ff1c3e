import { predictedLabels } from "../../training/metrics.ts";
import { tagMetrics } from "../../training/tag-metrics.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import type { MeasuredSplit } from "./classification-results.ts";

/** The results of a tagger of words; see tagMetrics for what the numbers count. */
export function tagResults(logits: Float32Array, { split, rows, labels }: MeasuredSplit): Metrics {
  const found = tagMetrics(logits, rows, labels);
  const { loss, accuracy, precision, recall, f1, macro_f1, weighted_f1 } = found;
  const { per_class: classes, confusion_matrix: confusion } = found;
  const byTag = confusion.map((counts) => counts.reduce((sum, count) => sum + count, 0));
  const words = byTag.reduce((sum, count) => sum + count, 0);
  const majority_accuracy = Math.max(...byTag) / words;
  const predicted = predictedLabels(logits, labels.length);
  const predictions = rows.rowIds.map((id, row) => {
    const tokens = Array.from(
      { length: rows.offsets[row + 1]! - rows.offsets[row]! },
      (_, i) => rows.offsets[row]! + i,
    );
    const begun = tokens.filter((at) => rows.labels[at]! >= 0);
    return {
      id,
      tags: begun.map((at) => labels[rows.labels[at]!]!),
      predictions: begun.map((at) => labels[predicted[at]!]!),
    };
  });
  const scores = { loss, accuracy, precision, recall, f1, macro_f1, weighted_f1 };
  return {
    metrics: { ...scores, majority_accuracy, words, rows: rows.rowIds.length },
    report: { split, labels, classes, confusion },
    predictions,
  };
}
