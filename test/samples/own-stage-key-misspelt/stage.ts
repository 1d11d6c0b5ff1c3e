import { defineStage } from "tunesmith";

export default defineStage({
  seedd: true,
  inputs: { dataset: { type: "datasets", optionl: true } },
  output: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
