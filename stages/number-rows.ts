import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenSplit } from "./artifacts/tokens.ts";

/** The names of the numbers of a split's rows, in the order of the load stage; a StageFailure where rows have none. */
export function namesOfNumbers(name: string, { rows }: TokenSplit): readonly string[] {
  if (rows.every(({ numbers }) => numbers !== undefined)) return Object.keys(rows[0]!.numbers!);
  throw new StageFailure({
    code: "rows-without-numbers",
    message: `The rows of the split "${name}" have no numbers to be given.`,
    hint: "set `numbers` in the load stage to the column, or the columns, that hold them",
  });
}

/**
 * A split as training reads it: the numbers of each row in the order of the model's. They are found by name; where the
 * model has as many, called LABEL_0, LABEL_1, … as transformers calls those that have no names, by their order.
 */
export function numberRows(
  name: string,
  split: TokenSplit,
  { labels }: { labels: readonly string[] },
): TokenDataset {
  const names = namesOfNumbers(name, split);
  const isByOrder = names.length === labels.length && areUnnamed(labels);
  const wanted = isByOrder ? names : labels;
  const missing = wanted.filter((one) => !names.includes(one));
  if (missing.length > 0)
    throw new StageFailure({
      code: "unknown-number",
      message: `The model gives the number "${missing[0]}", but the rows of the split "${name}" have: ${names.join(", ")}.`,
      hint: "name the columns in `numbers` of the load stage as the model was trained with them",
    });
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    labels: new Int32Array(0),
    targets: Float32Array.from(
      split.rows.flatMap(({ numbers }) => wanted.map((w) => numbers![w]!)),
    ),
    rowIds: split.rows.map(({ id }) => id),
  };
}

/** Whether these are the names that transformers gives labels without names. */
export function areUnnamed(labels: readonly string[]): boolean {
  return labels.every((label, id) => label === `LABEL_${id}`);
}
