import type { FromSchema } from "json-schema-to-ts";
import {
  defineStage,
  type InputPorts,
  type ParamsSchema,
  type StageContext,
} from "../../engine/stage.ts";
import { defaultAnswerOptions } from "../../training/best-answers.ts";
import { metrics } from "../artifacts/metrics.ts";
import { model } from "../artifacts/model.ts";
import { tokens } from "../artifacts/tokens.ts";

const params = {
  type: "object",
  properties: {
    per_device_eval_batch_size: {
      description: "Rows in a batch; it changes speed, not results.",
      type: "integer",
      minimum: 1,
      maximum: 65536,
      default: 32,
      examples: [8],
    },
    predict_with_generate: {
      description:
        "Whether a model that writes writes an answer for each row with a completion or target, which is compared with it: exact_match, bleu, chrf.",
      type: "boolean",
      default: true,
      examples: [false],
    },
    max_new_tokens: {
      description: "The most tokens that are written for a row.",
      type: "integer",
      minimum: 1,
      maximum: 1_048_576,
      default: 128,
      examples: [64],
    },
    num_beams: {
      description: "How many texts are written side by side; 1: the likeliest token is taken.",
      type: "integer",
      minimum: 1,
      maximum: 1024,
      default: 1,
      examples: [4],
    },
    length_penalty: {
      description: "Of beams: above 0 long texts are liked, below 0 short ones.",
      type: "number",
      minimum: -100,
      maximum: 100,
      default: 1,
      examples: [0.6],
    },
    repetition_penalty: {
      description: "Above 1 tokens that were there before become less likely.",
      type: "number",
      exclusiveMinimum: 0,
      maximum: 100,
      default: 1,
      examples: [1.2],
    },
    n_best_size: {
      description:
        "Of question-answering: how many starts and ends of an answer are tried in each row, and how many answers kept.",
      type: "integer",
      minimum: 1,
      maximum: 1000,
      default: defaultAnswerOptions.n_best_size,
      examples: [20],
    },
    max_answer_length: {
      description: "Of question-answering: the most tokens of an answer.",
      type: "integer",
      minimum: 1,
      maximum: 100_000,
      default: defaultAnswerOptions.max_answer_length,
      examples: [30],
    },
    version_2_with_negative: {
      description:
        "Of question-answering: whether a question may have no answer; without it, yes where one of the split has none.",
      type: "boolean",
      examples: [true],
    },
    null_score_diff_threshold: {
      description:
        "Of question-answering: by how much no answer must score higher than the best one to be given.",
      type: "number",
      default: defaultAnswerOptions.null_score_diff_threshold,
      examples: [-1],
    },
    threshold: {
      description:
        "Of problem_type multi_label_classification: the probability above which a label is given.",
      type: "number",
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.5,
      examples: [0.3],
    },
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the evaluate stage, defaults filled in. */
export type EvaluateParams = FromSchema<typeof params>;

const inputs = {
  model: { type: model, description: "The model to measure." },
  dataset: {
    type: tokens,
    description: "Labelled rows as token ids, made by the model's own tokenizer.",
    parts: "one",
  },
} as const satisfies InputPorts;

/** What the stage reads. */
export type EvaluateInputs = typeof inputs;

/** Measures a model on one split: loss, accuracy, F1, per class, confusion matrix, predictions. */
export const evaluate = defineStage({
  kind: "evaluate",
  version: 1,
  description: "Measures a model on one split: loss, accuracy, F1, confusion matrix, predictions.",
  params,
  inputs,
  outputs: {
    metrics: { type: metrics, description: "Numbers, report per class, a prediction per row." },
  },
  seeded: false,
  deterministic: true,
  environment: ["compute"],
  async run(context: StageContext<EvaluateParams, EvaluateInputs>) {
    const { evaluateModel } = await import("./evaluate-model.ts");
    return evaluateModel(context);
  },
});
