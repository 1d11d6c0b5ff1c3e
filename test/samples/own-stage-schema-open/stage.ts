import { defineStage } from "tunesmith";

export default defineStage({
  params: { properties: { words: "integer" }, additionalProperties: true },
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
