import type { AnyStage } from "../engine/stage.ts";
import { clean } from "./clean/clean.ts";
import { command } from "./command/command.ts";
import { embed } from "./embed/embed.ts";
import { evaluate } from "./evaluate/evaluate.ts";
import { fineTune } from "./fine-tune/fine-tune.ts";
import { load } from "./load/load.ts";
import { save } from "./save/save.ts";
import { select } from "./select/select.ts";
import { split } from "./split/split.ts";
import { tokenize } from "./tokenize/tokenize.ts";
import { trainTokenizer } from "./train-tokenizer/train-tokenizer.ts";

/** All kinds of stages that `uses` can name, in the order of a typical pipeline. */
export const stages: readonly AnyStage[] = [
  load,
  clean,
  split,
  trainTokenizer,
  tokenize,
  embed,
  fineTune,
  evaluate,
  select,
  save,
  command,
];
