import type { EvaluationOptions } from "./evaluate.ts";
import { predictLogits } from "./evaluate.ts";
import type { Metrics } from "./history.ts";
import { measureLanguageModel } from "./language-model.ts";
import { classificationMetrics } from "./metrics.ts";
import { tagMetrics } from "./tag-metrics.ts";
import type { TokenDataset } from "./token-dataset.ts";

/** The numbers by which an evaluation during training is told, and models are compared, in each task. */
export async function taskMetrics(
  dataset: TokenDataset,
  options: EvaluationOptions & { readonly labels: readonly string[] },
): Promise<Metrics> {
  const { labels, model } = options;
  if (model.task === "masked-lm" || model.task === "causal-lm") {
    const { loss, perplexity } = await measureLanguageModel(dataset, options);
    return { loss, perplexity };
  }
  const logits = await predictLogits(dataset, options);
  if (model.task === "token-classification") {
    const { loss, accuracy, precision, recall, f1 } = tagMetrics(logits, dataset, labels);
    return { loss, accuracy, precision, recall, f1 };
  }
  const found = classificationMetrics(logits, dataset.labels, labels);
  const { loss, accuracy, macro_f1, weighted_f1 } = found;
  return { loss, accuracy, macro_f1, weighted_f1 };
}
