import type { ParamsProblem } from "../../engine/stage.ts";
import { type Learning, learningOf, type TrainedTask } from "../trained-tasks.ts";
import type { FineTuneParams } from "./params.ts";

/** What evaluations during training give, in each task. */
const metricsOf = {
  "sequence-classification": ["loss", "accuracy", "macro_f1", "weighted_f1"],
  multi_label_classification: ["loss", "subset_accuracy", "micro_f1", "macro_f1", "weighted_f1"],
  regression: ["loss", "mse", "mae", "r2", "pearson", "spearmanr"],
  "token-classification": ["loss", "accuracy", "precision", "recall", "f1"],
  "question-answering": ["loss", "exact_match", "f1"],
  "masked-lm": ["loss", "perplexity"],
  "causal-lm": ["loss", "perplexity"],
  "sequence-to-sequence": ["loss", "perplexity"],
} as const satisfies Readonly<Record<Learning, readonly string[]>>;

type MetricName = (typeof metricsOf)[Learning][number];

const names: readonly MetricName[] = [...new Set(Object.values(metricsOf).flat())];

/** All of them, with and without transformers' prefix. */
export const metricNames = [...names, ...names.map((name) => `eval_${name}` as const)];

/** metric_for_best_model must be among those of the task; where nobody has said what a text is given, of any such. */
export function bestMetricProblems(params: FineTuneParams): ParamsProblem[] {
  const { task, problem_type, metric_for_best_model: metric } = params;
  const isOpen = task === "sequence-classification" && problem_type === undefined;
  const learnings: readonly Learning[] = isOpen
    ? [task, "multi_label_classification", "regression"]
    : [learningOf(task as TrainedTask, problem_type)];
  const given = new Set(learnings.flatMap((one): readonly string[] => metricsOf[one] ?? []));
  if (given.size === 0 || given.has(metric.replace(/^eval_/, ""))) return [];
  return [
    {
      at: ["metric_for_best_model"],
      code: "unknown-metric",
      message: `metric_for_best_model is "${metric}", which evaluations of ${task} do not give.`,
      hint: `they give: ${[...given].join(", ")}`,
    },
  ];
}
