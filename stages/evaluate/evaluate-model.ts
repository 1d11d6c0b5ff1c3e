import { StageFailure } from "../../engine/diagnostic.ts";
import type { StageContext } from "../../engine/stage.ts";
import { loadPretrained, type ModelWithWeights } from "../../models/pretrained.ts";
import { type EvaluationOptions, predictLogits } from "../../training/evaluate.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import { modelSource, withModelErrors } from "../artifacts/model.ts";
import { type TokenSplit, type Tokens, Written } from "../artifacts/tokens.ts";
import { requireFit } from "../labelled-rows.ts";
import { openDevice } from "../open-device.ts";
import { requireSameTokenizer } from "../same-tokenizer.ts";
import { learningOfModel, rowsOfTask } from "../task-rows.ts";
import type { Learning } from "../trained-tasks.ts";
import { answerResults } from "./answer-results.ts";
import { classificationResults, type MeasuredSplit } from "./classification-results.ts";
import type { EvaluateInputs, EvaluateParams } from "./evaluate.ts";
import { tagResults } from "./tag-results.ts";
import { labelSetResults, regressionResults } from "./target-results.ts";
import { writtenResults } from "./written-results.ts";

type MeasuringOptions = EvaluationOptions & EvaluateParams;
type Results = (split: MeasuredSplit, options: MeasuringOptions) => Promise<Metrics>;

const resultsOf: Readonly<Record<Learning, Results>> = {
  "sequence-classification": ofLogits(classificationResults),
  multi_label_classification: ofLogits(labelSetResults),
  regression: ofLogits(regressionResults),
  "token-classification": ofLogits(tagResults),
  "question-answering": ofLogits(answerResults),
  "masked-lm": writtenResults,
  "causal-lm": writtenResults,
  "sequence-to-sequence": writtenResults,
};

function ofLogits(
  results: (logits: Float32Array, split: MeasuredSplit, params: EvaluateParams) => Metrics,
): Results {
  return async (split, options) =>
    results(await predictLogits(split.rows, options), split, options);
}

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
  const learning = learningOfModel(classifier, "evaluated");
  const [split, given] = onlySplit(tokens.splits);
  const rows = readRows(tokens, { learning, split, given }, classifier);
  const options: MeasuringOptions = {
    ...classifier,
    ...params,
    device: await openDevice(device),
    batchSize: params.per_device_eval_batch_size,
    signal,
    onProgress: (done, total) => progress({ done, total, unit: "rows" }),
  };
  const { labels, config } = classifier;
  const { tokenizer } = tokens;
  const measured = { split, rows, labels, tokens: given, tokenizer, config };
  const metrics = await resultsOf[learning](measured, options);
  for (const [name, value] of Object.entries(metrics.metrics)) context.metric(name, value);
  return { metrics };
}

/** As BERT was trained, whatever a fine-tuning hid: so that models can be compared. */
const MLM_PROBABILITY = 0.15;

/** The rows of a split as the model reads them; a StageFailure names a label that the model does not have. */
function readRows(
  { tokenizer }: Tokens,
  { learning, split: name, given: split }: { learning: Learning; split: string; given: TokenSplit },
  { model, labels }: ModelWithWeights,
): TokenDataset {
  requireFit(name, split, model);
  const advice = {
    from: "the model",
    hint: "train with rows of this label, or drop it before the split: a model cannot be measured on what it was never shown",
  };
  const isKnown = !split.written?.includes(Written.unknown);
  const onlyWritten = { completions: true, assistant: isKnown };
  const context = { labels, advice, tokenizer, mlmProbability: MLM_PROBABILITY, onlyWritten };
  return rowsOfTask(learning, [name, split], context);
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
