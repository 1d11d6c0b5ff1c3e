import { defineStage } from "tunesmith";

export default defineStage({
  params: {
    type: "object",
    properties: {
      most_words: { type: "integer", minimum: 1, default: 12 },
      language: { $ref: "#/properties/most_words" },
    },
    required: ["language"],
    additionalProperties: false,
  },
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
