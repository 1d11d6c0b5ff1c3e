import type { Task } from "../models/model.ts";
import { answerLoss, answerMetrics } from "./answer-metrics.ts";
import { bestAnswers, defaultAnswerOptions } from "./best-answers.ts";
import type { EvaluationOptions } from "./evaluate.ts";
import { predictLogits } from "./evaluate.ts";
import type { Metrics } from "./history.ts";
import { labelSetMetrics } from "./label-set-metrics.ts";
import { measureLanguageModel } from "./language-model.ts";
import { classificationMetrics } from "./metrics.ts";
import type { QuestionSet } from "./question-set.ts";
import { regressionMetrics } from "./regression-metrics.ts";
import { tagMetrics } from "./tag-metrics.ts";
import type { TokenDataset } from "./token-dataset.ts";

const languageTasks: readonly Task[] = ["masked-lm", "causal-lm", "sequence-to-sequence"];

type LabelledOptions = EvaluationOptions & { readonly labels: readonly string[] };

/** The numbers by which an evaluation during training is told, and models are compared, in each task. */
export async function taskMetrics(
  dataset: TokenDataset,
  options: LabelledOptions,
): Promise<Metrics> {
  const { labels, model } = options;
  if (languageTasks.includes(model.task)) {
    const { loss, perplexity } = await measureLanguageModel(dataset, options);
    return { loss, perplexity };
  }
  const logits = await predictLogits(dataset, options);
  if (dataset.questions) return questionMetrics(logits, dataset, dataset.questions);
  if (model.task === "token-classification") {
    const { loss, accuracy, precision, recall, f1 } = tagMetrics(logits, dataset, labels);
    return { loss, accuracy, precision, recall, f1 };
  }
  if (dataset.targets) return targetMetrics(logits, dataset.targets, options);
  const found = classificationMetrics(logits, dataset.labels, labels);
  const { loss, accuracy, macro_f1, weighted_f1 } = found;
  return { loss, accuracy, macro_f1, weighted_f1 };
}

function questionMetrics(
  logits: Float32Array,
  dataset: TokenDataset,
  questions: QuestionSet,
): Metrics {
  const mayBeNone = questions.asked.some(({ answers }) => answers.length === 0);
  const chosen = { ...defaultAnswerOptions, version_2_with_negative: mayBeNone };
  const found = bestAnswers(questions, { logits, offsets: dataset.offsets }, chosen);
  const texts = found.map(({ text }) => text);
  const { exact_match, f1 } = answerMetrics(questions.asked, texts, { mayBeNone });
  return { loss: answerLoss(logits, dataset), exact_match, f1 };
}

function targetMetrics(
  logits: Float32Array,
  targets: Float32Array,
  { labels, model }: LabelledOptions,
): Metrics {
  if (model.problemType === "regression") {
    const { per_number, ...metrics } = regressionMetrics(logits, targets, labels.length);
    return metrics;
  }
  const found = labelSetMetrics(logits, targets, { labels, threshold: 0.5 });
  const { loss, subset_accuracy, micro_f1, macro_f1, weighted_f1 } = found;
  return { loss, subset_accuracy, micro_f1, macro_f1, weighted_f1 };
}
