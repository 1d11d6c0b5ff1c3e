import type { FromSchema } from "json-schema-to-ts";
import {
  defineStage,
  type InputPorts,
  type ParamsSchema,
  type StageContext,
} from "../../engine/stage.ts";
import { poolings } from "../../models/poolings.ts";
import { embeddings } from "../artifacts/embeddings.ts";
import { model } from "../artifacts/model.ts";
import { tokens } from "../artifacts/tokens.ts";
import {
  CHECKPOINT_FILES,
  hubProblems,
  isFolder,
  oneModelProblems,
} from "../start-model-problems.ts";

const params = {
  type: "object",
  properties: {
    model: {
      description:
        "The encoder: a folder with config.json and model.safetensors. Only where the port `model` is not used.",
      type: "string",
      minLength: 1,
      examples: ["models/bert-base-uncased"],
    },
    pooling: {
      description:
        "How the hidden states of a row's tokens become one vector: their mean, the first one (cls), the greatest number of each place (max), or the last one (lasttoken).",
      type: "string",
      enum: poolings,
      default: "mean",
      examples: ["cls"],
    },
    normalize: {
      description: "Whether each vector is divided by its length, which becomes 1.",
      type: "boolean",
      default: false,
      examples: [true],
    },
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the embed stage, defaults filled in. */
export type EmbedParams = FromSchema<typeof params>;

const inputs = {
  dataset: { type: tokens, description: "Rows as token ids, made by the encoder's tokenizer." },
  model: {
    type: model,
    description: "A model of another stage as the encoder, instead of the param.",
    optional: true,
  },
} as const satisfies InputPorts;

/** What the stage reads. */
export type EmbedInputs = typeof inputs;

/** Turns each row into a vector with a frozen encoder. */
export const embed = defineStage({
  kind: "embed",
  version: 1,
  description: "Turns each row into a vector with a frozen encoder, as sentence-transformers does.",
  params,
  inputs,
  outputs: {
    embeddings: { type: embeddings, description: "A vector for each row, by split." },
  },
  seeded: false,
  deterministic: true,
  environment: ["compute"],
  notInCheckpoints: [],
  portsNotInCheckpoints: ["dataset"],
  inputPaths: ({ model }: EmbedParams) =>
    isFolder(model) ? [{ at: ["model"], files: CHECKPOINT_FILES }] : [],
  parts: (_: EmbedParams, inputs) => (inputs.dataset ? { embeddings: inputs.dataset } : {}),
  check: ({ model }: EmbedParams, inputs) => [
    ...oneModelProblems("embed", { hasParam: model !== undefined, hasPort: "model" in inputs }),
    ...hubProblems(model),
  ],
  async run(context: StageContext<EmbedParams, EmbedInputs>) {
    const { embedDataset } = await import("./embed-dataset.ts");
    return embedDataset(context);
  },
});
