import type { ModelWithWeights } from "../models/pretrained.ts";
import type { Metrics } from "./history.ts";
import { classificationMetrics } from "./metrics.ts";
import { tagMetrics } from "./tag-metrics.ts";
import type { TokenDataset } from "./token-dataset.ts";

/** The numbers by which an evaluation during training is told, and models are compared, in each task. */
export function taskMetrics(
  logits: Float32Array,
  dataset: TokenDataset,
  { model, labels }: Pick<ModelWithWeights, "model" | "labels">,
): Metrics {
  if (model.task === "token-classification") {
    const { loss, accuracy, precision, recall, f1 } = tagMetrics(logits, dataset, labels);
    return { loss, accuracy, precision, recall, f1 };
  }
  const found = classificationMetrics(logits, dataset.labels, labels);
  const { loss, accuracy, macro_f1, weighted_f1 } = found;
  return { loss, accuracy, macro_f1, weighted_f1 };
}
