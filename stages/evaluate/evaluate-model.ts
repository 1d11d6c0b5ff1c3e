import { StageFailure } from "../../engine/diagnostic.ts";
import type { StageContext } from "../../engine/stage.ts";
import { loadPretrained, type ModelWithWeights } from "../../models/pretrained.ts";
import { predictLogits } from "../../training/evaluate.ts";
import {
  type ClassificationMetrics,
  classificationMetrics,
  predictedLabels,
  probabilitiesOf,
} from "../../training/metrics.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { Metrics, Prediction } from "../artifacts/metrics.ts";
import { modelSource, withModelErrors } from "../artifacts/model.ts";
import type { TokenSplit, Tokens } from "../artifacts/tokens.ts";
import { labelledRows, requireFit } from "../labelled-rows.ts";
import { openDevice } from "../open-device.ts";
import { requireSameTokenizer } from "../same-tokenizer.ts";
import type { EvaluateInputs, EvaluateParams } from "./evaluate.ts";

/** The model's results on the split; each number is recorded as a metric of the stage, too. */
export async function evaluateModel(
  context: StageContext<EvaluateParams, EvaluateInputs>,
): Promise<{ metrics: Metrics }> {
  const { inputs, params, device, signal, progress } = context;
  const tokens = await inputs.dataset.read();
  await requireSameTokenizer(inputs.model.files, tokens);
  const classifier = await withModelErrors("The model cannot be evaluated", () =>
    loadPretrained(modelSource(inputs.model.files), { seed: 0 }),
  );
  const [split, rows] = readRows(tokens, classifier);
  const logits = await predictLogits(rows, {
    ...classifier,
    device: await openDevice(device),
    batchSize: params.per_device_eval_batch_size,
    signal,
    onProgress: (done, total) => progress({ done, total, unit: "rows" }),
  });
  const found = classificationMetrics(logits, rows.labels, classifier.labels);
  const metrics = numbersOf(found);
  for (const [name, value] of Object.entries(metrics)) context.metric(name, value);
  const { labels } = classifier;
  const { per_class: classes, confusion_matrix: confusion } = found;
  const predictions = predictionsOf(logits, rows, labels);
  return { metrics: { metrics, report: { split, labels, classes, confusion }, predictions } };
}

/** The only split, as the model reads it; a StageFailure names a label that the model does not have. */
function readRows(
  { splits }: Tokens,
  { model, labels }: ModelWithWeights,
): readonly [string, TokenDataset] {
  const [name, split] = onlySplit(splits);
  requireFit(name, split, model);
  const advice = {
    from: "the model",
    hint: "train with rows of this label, or drop it before the split: a model cannot be measured on what it was never shown",
  };
  return [name, labelledRows(name, split, { labels, advice })];
}

function onlySplit(splits: Tokens["splits"]): readonly [string, TokenSplit] {
  const [only, ...others] = splits;
  if (only === undefined || others.length > 0)
    throw new StageFailure({
      code: "not-one-split",
      message: `evaluate reads one split; the dataset has: ${[...splits.keys()].join(", ") || "none"}.`,
      hint: "name one, as in `dataset: tokens.test`",
    });
  if (only[1].rows.length === 0)
    throw new StageFailure({
      code: "no-rows",
      message: `The split "${only[0]}" has no rows to evaluate on.`,
      hint: "give the split a larger share",
    });
  return only;
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
