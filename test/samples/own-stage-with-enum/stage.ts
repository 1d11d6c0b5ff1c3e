import { defineStage } from "tunesmith";
enum Keep {
  All,
  Some,
}

export default defineStage({
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
