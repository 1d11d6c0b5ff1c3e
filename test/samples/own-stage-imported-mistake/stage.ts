import { defineStage } from "tunesmith";
import { wordsIn } from "./lib/words.ts";

export default defineStage({
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
