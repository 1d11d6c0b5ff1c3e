import { defineStage } from "tunesmith";

export default defineStage({
  params: {
    type: "object",
    properties: {
      most_words: { type: "integer", minimum: 1, default: 0 },
      language: { enum: ["de", "en"] },
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
