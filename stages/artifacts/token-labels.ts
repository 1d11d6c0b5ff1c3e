import type { TokenSplit } from "./tokens.ts";

/** The label of a token at which nothing is to be found, as transformers has it. */
export const NO_LABEL = -100;

/** What is wrong with the labels of a split's tokens, as the end of a sentence about it; undefined where nothing is, or it has none. */
export function labelsProblem(
  { labels, inputIds, offsets, rows }: TokenSplit,
  vocabSize: number,
): string | undefined {
  if (labels === undefined) return undefined;
  if (!(labels instanceof Int32Array) || labels.length !== inputIds.length)
    return `has labels that are not an Int32Array of ${inputIds.length}, one for each token`;
  const at = labels.findIndex((id) => id !== NO_LABEL && (id < 0 || id >= vocabSize));
  if (at < 0) return undefined;
  const row = offsets.findIndex((begin) => begin > at) - 1;
  return `has the label ${labels[at]} in the row "${rows[row]?.id}": neither ${NO_LABEL}, for none, nor an id of the vocabulary of ${vocabSize}`;
}
