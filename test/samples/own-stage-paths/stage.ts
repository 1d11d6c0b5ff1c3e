import { defineStage } from "tunesmith";

export default defineStage({
  params: {
    type: "object",
    properties: {
      most_words: { type: "integer", minimum: 1, default: 12 },
      word_list: { type: "string" },
      language: { enum: ["de", "en"] },
    },
    required: ["language"],
    additionalProperties: false,
  },
  paths: ["word_list", "words"],
  destination: "to",
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
