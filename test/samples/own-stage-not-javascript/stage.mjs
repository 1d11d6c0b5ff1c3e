import { defineStage } from "tunesmith";
const most: number = 3;

export default defineStage({
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
