import { defineStage } from "tunesmith";
import { common, words } from "./common.mjs";

const text = { type: "string" };

export default defineStage({
  ...common,
  version: Date.now(),
  description: `Keeps ${words} words.`,
  params: {
    type: "object",
    properties: { name: text, words: { type: "integer", default: words } },
    additionalProperties: false,
  },
  check: () => [],
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
