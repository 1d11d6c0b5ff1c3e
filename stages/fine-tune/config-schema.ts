import { configFields } from "./config-fields.ts";

/** What all types of model have in common: as much as TypeScript can tell. */
const shape = {
  description: "The sizes of a model with random weights, by the names of config.json.",
  type: "object",
  properties: {
    model_type: {
      description: "The architecture.",
      type: "string",
      enum: Object.keys(configFields) as (keyof typeof configFields)[],
    },
  },
  required: ["model_type"],
} as const;

const byModelType = {
  ...shape,
  anyOf: [
    ...Object.entries(configFields).map(([type, fields]) => ({
      type: "object",
      properties: { model_type: { const: type }, ...fields },
      additionalProperties: false,
    })),
    // Another type is one mistake, not one more in each branch.
    { properties: { model_type: { not: { enum: Object.keys(configFields) } } } },
  ],
};

/** JSON Schema of the config.json that random weights are made for: by `model_type`, transformers' fields. */
export const configSchema: typeof shape = byModelType;
