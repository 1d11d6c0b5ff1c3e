import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenSplit } from "./artifacts/tokens.ts";

/** A split of questions as training reads it: two labels of each row, the first and the last token of its answer. */
export function answeredRows(name: string, split: TokenSplit): TokenDataset {
  const { questions } = split;
  if (questions === undefined)
    throw new StageFailure({
      code: "rows-without-questions",
      message: `The rows of the split "${name}" ask no questions.`,
      hint: "set `question`, `context` and `answers` in the load stage, or read a file of format: squad",
    });
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    labels: Int32Array.from(questions.answers),
    labelsOf: "answers",
    questions,
    rowIds: split.rows.map(({ id }) => id),
  };
}
