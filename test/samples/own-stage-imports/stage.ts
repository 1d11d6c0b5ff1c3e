import { defineStage } from "tunesmith";
import "left-pad-of-tomorrow";
import { readFileSync } from "node:fs";
import rows from "./rows.csv";
import type { Word } from "./gone.ts";
import { wordsIn } from "./words";
import { lettersIn } from "./words.js";
import { charactersIn } from "./wrods.ts";
import "../../../../outside.ts";
import "https://example.org/words.mjs";

const other = (name: string) => import(`./${name}.ts`);

export default defineStage({
  inputs: { dataset: { type: "dataset" } },
  outputs: { dataset: { type: "dataset" } },
  async run({ inputs }) {
    return { dataset: await inputs.dataset.read() };
  },
});
