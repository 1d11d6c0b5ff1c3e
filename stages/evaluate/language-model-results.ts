import type { EvaluationOptions } from "../../training/evaluate.ts";
import { measureLanguageModel } from "../../training/language-model.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import type { MeasuredSplit } from "./classification-results.ts";

/** The results of a language model, which has no labels to report of. */
export async function languageModelResults(
  { split, rows }: MeasuredSplit,
  options: EvaluationOptions,
): Promise<Metrics> {
  const metrics = await measureLanguageModel(rows, options);
  return {
    metrics: { ...metrics, rows: rows.rowIds.length },
    report: { split, labels: [], classes: [], confusion: [] },
    predictions: [],
  };
}
