import { Option } from "commander";
import { collect } from "./option-values.ts";

/** `--set`, of all commands that read a pipeline file with other values. */
export const setOption = new Option(
  "--set <path=value>",
  "change a value of the file: stages.train.with.learning_rate=3e-5",
)
  .default([], "none")
  .argParser(collect);

/** `--set-file`, wherever `--set` is. */
export const setFileOption = new Option(
  "--set-file <file>",
  "a file of such values, one a line: path: value",
)
  .default([], "none")
  .argParser(collect);
