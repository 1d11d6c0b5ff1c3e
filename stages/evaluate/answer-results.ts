import { answerLoss, answerMetrics } from "../../training/answer-metrics.ts";
import { bestAnswers } from "../../training/best-answers.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import type { MeasuredSplit } from "./classification-results.ts";
import type { EvaluateParams } from "./evaluate.ts";

/** The results of a model that answers questions. */
export function answerResults(
  logits: Float32Array,
  { split, rows }: MeasuredSplit,
  params: EvaluateParams,
): Metrics {
  const { asked } = rows.questions!;
  const mayBeNone =
    params.version_2_with_negative ?? asked.some(({ answers }) => answers.length === 0);
  const found = bestAnswers(
    rows.questions!,
    { logits, offsets: rows.offsets },
    { ...params, version_2_with_negative: mayBeNone },
  );
  const texts = found.map(({ text }) => text);
  return {
    metrics: {
      loss: answerLoss(logits, rows),
      ...answerMetrics(asked, texts, { mayBeNone }),
      questions: asked.length,
      rows: rows.rowIds.length,
    },
    report: { split, labels: [], classes: [], confusion: [] },
    predictions: asked.map(({ id, answers }, i) => ({
      id,
      answers,
      prediction: texts[i]!,
      score: Number(found[i]!.probability.toPrecision(6)),
    })),
  };
}
