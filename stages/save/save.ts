import type { FromSchema } from "json-schema-to-ts";
import {
  defineStage,
  type InputPorts,
  type ParamsSchema,
  type StageContext,
} from "../../engine/stage.ts";
import { folder } from "../artifacts/folder.ts";
import { metrics } from "../artifacts/metrics.ts";
import { model } from "../artifacts/model.ts";

const words = {
  type: "array",
  items: { type: "string", minLength: 1 },
  uniqueItems: true,
} as const;
const word = { type: "string", minLength: 1 } as const;

const params = {
  type: "object",
  properties: {
    to: {
      ...word,
      description: "The folder that the model is written to.",
      examples: ["out/package-sections"],
    },
    name: {
      ...word,
      description: "The model's name in its card; without it the card speaks of a text classifier.",
      examples: ["package-sections"],
    },
    description: {
      ...word,
      description: "What the model is for, as the first paragraph of its card.",
      examples: ["Tells the section of a Debian package from its description."],
    },
    license: {
      ...word,
      description: "The model's licence, by its identifier on the Hugging Face Hub.",
      examples: ["apache-2.0"],
    },
    language: {
      description: "The language of the texts, or a list of them: ISO 639 codes.",
      anyOf: [word, words],
      examples: ["en", ["en", "de"]],
    },
    tags: {
      ...words,
      description: "Tags of the model card, beside text-classification and tunesmith.",
      examples: [["debian"]],
    },
    dataset: {
      ...word,
      description: "The dataset's name in the model card.",
      examples: ["Debian 12 package descriptions"],
    },
    base_model: {
      ...word,
      description: "The Hub id of the checkpoint that training started from, for the card.",
      examples: ["google-bert/bert-base-uncased"],
    },
    tensorboard: {
      description:
        "Whether the training's log is also written to runs/, as an event file for TensorBoard.",
      type: "boolean",
      default: false,
      examples: [true],
    },
  },
  required: ["to"],
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the save stage. */
export type SaveParams = FromSchema<typeof params>;

const inputs = {
  model: { type: model, description: "The model to write." },
  metrics: {
    type: metrics,
    description: "Its results, for the model card.",
    optional: true,
  },
} as const satisfies InputPorts;

/** What the stage reads. */
export type SaveInputs = typeof inputs;

/** Writes a model as a Hugging Face folder that Python transformers and transformers.js open. */
export const save = defineStage({
  kind: "save",
  version: 2,
  description:
    "Writes a model as a Hugging Face folder with a model card, for Python transformers and transformers.js.",
  params,
  inputs,
  outputs: {
    folder: {
      type: folder,
      description: "config.json, model.safetensors, tokenizer, onnx/model.onnx, README.md.",
    },
  },
  seeded: false,
  deterministic: true,
  environment: ["compute"],
  destination: "to",
  async run(context: StageContext<SaveParams, SaveInputs>) {
    const { saveModel } = await import("./save-model.ts");
    return saveModel(context);
  },
});
