import type { FromSchema } from "json-schema-to-ts";
import {
  defineStage,
  type InputPath,
  type ParamsProblem,
  type ParamsSchema,
} from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";
import { TOKENIZER_FILES, tokenizer } from "../artifacts/tokenizer.ts";
import { tokens } from "../artifacts/tokens.ts";

const params = {
  type: "object",
  properties: {
    tokenizer: {
      description:
        "A folder that holds tokenizer.json, or a tokenizer.json; only where the port `tokenizer` is not used.",
      type: "string",
      minLength: 1,
      examples: ["models/bert-base-uncased"],
    },
    max_length: {
      description: "The most tokens a row may have, special tokens included.",
      type: "integer",
      minimum: 1,
      maximum: 1_048_576,
      default: 512,
      examples: [64, 512],
    },
    doc_stride: {
      description:
        "Of questions about contexts that are longer than a row: how many tokens a row shares with the one before it; without it 128.",
      type: "integer",
      minimum: 0,
      maximum: 1_048_576,
      examples: [64],
    },
    max_target_length: {
      description: "The most tokens a target may have; without it, as max_length.",
      type: "integer",
      minimum: 1,
      maximum: 1_048_576,
      examples: [128],
    },
    chat_template: {
      description:
        "A file with the Jinja template that writes conversations out; without it the tokenizer's own: its chat_template.jinja, or chat_template in its tokenizer_config.json.",
      type: "string",
      minLength: 1,
      examples: ["chat_template.jinja"],
    },
    truncation: {
      description: "Whether longer rows are cut at their end; false: a longer row is an error.",
      type: "boolean",
      default: true,
      examples: [false],
    },
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the tokenize stage, defaults filled in. */
export type TokenizeParams = FromSchema<typeof params>;

/** Turns texts into token ids with a Hugging Face tokenizer. */
export const tokenize = defineStage({
  kind: "tokenize",
  version: 1,
  description: "Turns texts into token ids with a Hugging Face tokenizer.",
  params,
  inputs: {
    dataset: { type: dataset, description: "The rows to tokenize." },
    tokenizer: {
      type: tokenizer,
      description: "The tokenizer of another stage, instead of the param.",
      optional: true,
    },
  },
  outputs: {
    tokens: { type: tokens, description: "Token ids by split, with the tokenizer's files." },
    report: { type: report, description: "Lengths, truncation and unknown tokens." },
  },
  seeded: false,
  deterministic: true,
  environment: [],
  inputPaths: ({ tokenizer, chat_template }: TokenizeParams): InputPath[] => [
    ...(tokenizer === undefined ? [] : [{ at: ["tokenizer"], files: TOKENIZER_FILES }]),
    ...(chat_template === undefined ? [] : [{ at: ["chat_template"] }]),
  ],
  parts: (_: TokenizeParams, inputs) => (inputs.dataset ? { tokens: inputs.dataset } : {}),
  check: (params: TokenizeParams, inputs) =>
    oneTokenizerProblems(params.tokenizer !== undefined, "tokenizer" in inputs),
  async run(context) {
    const { tokenizeDataset } = await import("./tokenize-dataset.ts");
    return tokenizeDataset(context);
  },
});

function oneTokenizerProblems(hasParam: boolean, hasInput: boolean): ParamsProblem[] {
  if (hasParam !== hasInput) return [];
  const hint = "set tokenizer in `with`, or lead a tokenizer into the port `tokenizer`, not both";
  return hasParam
    ? [{ at: ["tokenizer"], code: "two-tokenizers", message: "It is given two tokenizers.", hint }]
    : [{ at: [], code: "no-tokenizer", message: "It is given no tokenizer.", hint }];
}
