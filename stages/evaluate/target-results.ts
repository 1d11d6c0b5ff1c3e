import { labelSetMetrics, probabilityOf } from "../../training/label-set-metrics.ts";
import { regressionMetrics } from "../../training/regression-metrics.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import type { MeasuredSplit } from "./classification-results.ts";

/** The results of a classifier that gives each label or not: what it gives is what is more probable than the threshold. */
export function labelSetResults(
  logits: Float32Array,
  { split, rows, labels }: MeasuredSplit,
  { threshold }: { threshold: number },
): Metrics {
  const targets = rows.targets!;
  const { per_class: classes, ...metrics } = labelSetMetrics(logits, targets, {
    labels,
    threshold,
  });
  const predictions = rows.rowIds.map((id, row) => {
    const begin = row * labels.length;
    const scores = Array.from(logits.subarray(begin, begin + labels.length), probabilityOf);
    return {
      id,
      labels: labels.filter((_, at) => targets[begin + at] === 1),
      predictions: labels.filter((_, at) => scores[at]! > threshold),
      scores: scores.map(rounded),
    };
  });
  return {
    metrics: { ...metrics, threshold, rows: rows.rowIds.length },
    report: { split, labels, classes, confusion: [] },
    predictions,
  };
}

/** The results of a model that gives numbers. */
export function regressionResults(
  logits: Float32Array,
  { split, rows, labels }: MeasuredSplit,
): Metrics {
  const width = labels.length;
  const { per_number, ...metrics } = regressionMetrics(logits, rows.targets!, width);
  const named = (values: Float32Array, row: number) =>
    Object.fromEntries(labels.map((name, at) => [name, rounded(values[row * width + at]!)]));
  return {
    metrics: { ...metrics, rows: rows.rowIds.length },
    report: {
      split,
      labels,
      classes: [],
      confusion: [],
      numbers: Object.fromEntries(per_number.map((each, at) => [labels[at]!, each])),
    },
    predictions: rows.rowIds.map((id, row) => ({
      id,
      numbers: named(rows.targets!, row),
      predictions: named(logits, row),
    })),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
