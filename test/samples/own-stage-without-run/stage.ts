import { defineStage } from "tunesmith";

export default defineStage({
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  runs: "always",
});
