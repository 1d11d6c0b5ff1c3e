import { defineStage } from "tunesmith";

export default defineStage({
  params: {
    type: "object",
    properties: {
      most_words: { type: "integer", minimun: 1, default: 12 },
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
