import type { ConfigJson } from "../../models/config-json.ts";
import {
  type ClassificationMetrics,
  classificationMetrics,
  predictedLabels,
  probabilitiesOf,
} from "../../training/metrics.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { Metrics, Prediction } from "../artifacts/metrics.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import type { TokenSplit } from "../artifacts/tokens.ts";

/** What is measured on a split. */
export interface MeasuredSplit {
  readonly split: string;
  readonly rows: TokenDataset;
  readonly labels: readonly string[];
  /** The rows before the model's task was known, and with what they became tokens. */
  readonly tokens: TokenSplit;
  readonly tokenizer: TokenizerFiles;
  readonly config: ConfigJson;
}

/** The results of a classifier of texts. */
export function classificationResults(
  logits: Float32Array,
  { split, rows, labels }: MeasuredSplit,
): Metrics {
  const found = classificationMetrics(logits, rows.labels, labels);
  const { per_class: classes, confusion_matrix: confusion } = found;
  const predictions = predictionsOf(logits, rows, labels);
  return {
    metrics: numbersOf(found),
    report: { split, labels, classes, confusion },
    predictions,
  };
}

function numbersOf(found: ClassificationMetrics): Record<string, number> {
  const { loss, accuracy, macro_f1, weighted_f1, per_class } = found;
  const present = per_class.filter(
    ({ support }, id) => support > 0 || found.confusion_matrix.some((row) => row[id]! > 0),
  );
  const rows = total(per_class.map(({ support }) => support));
  return {
    loss,
    accuracy,
    macro_f1,
    weighted_f1,
    macro_precision: total(present.map(({ precision }) => precision)) / present.length,
    macro_recall: total(present.map(({ recall }) => recall)) / present.length,
    majority_accuracy: Math.max(...per_class.map(({ support }) => support)) / rows,
    rows,
  };
}

function predictionsOf(
  logits: Float32Array,
  { rowIds, labels: truth }: TokenDataset,
  labels: readonly string[],
): Prediction[] {
  const predicted = predictedLabels(logits, labels.length);
  return rowIds.map((id, row) => ({
    id,
    label: labels[truth[row]!]!,
    prediction: labels[predicted[row]!]!,
    scores: Array.from(
      probabilitiesOf(logits.subarray(row * labels.length, (row + 1) * labels.length)),
      (score) => Number(score.toPrecision(6)),
    ),
  }));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
