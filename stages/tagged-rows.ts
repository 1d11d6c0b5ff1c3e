import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenRow, TokenSplit } from "./artifacts/tokens.ts";
import { byCodeUnit } from "./by-code-unit.ts";
import { type UnknownLabelAdvice, unknownLabels } from "./labelled-rows.ts";

/** The tags of a split's words, sorted by code unit; a StageFailure where words have none. */
export function tagsOfRows(name: string, split: TokenSplit): readonly string[] {
  if (split.wordStarts === undefined)
    throw new StageFailure({
      code: "rows-without-tags",
      message: `The words of the split "${name}" have no tags.`,
      hint: "set `words` and `tags` in the load stage to the columns that hold them",
    });
  const tags = [...new Set(split.rows.flatMap((row) => row.tags!))].sort(byCodeUnit);
  if (tags.length > 0) return tags;
  throw new StageFailure({
    code: "no-words-left",
    message: `The split "${name}" has no word with a token.`,
    hint: "raise max_length of the tokenize stage, or look at its report",
  });
}

/**
 * A split as training reads it: the tag of each word as its index, at the word's first token; the other tokens have
 * no label. A StageFailure names a tag that is not among `labels`.
 */
export function taggedRows(
  name: string,
  split: TokenSplit,
  { labels, advice }: { labels: readonly string[]; advice: UnknownLabelAdvice },
): TokenDataset {
  const ids = new Map(labels.map((label, id) => [label, id]));
  const unknown = tagsOfRows(name, split).filter((tag) => !ids.has(tag));
  const hasLabel = (row: TokenRow, tag: string) => row.tags!.includes(tag);
  if (unknown.length > 0) throw unknownLabels(name, split, { unknown, advice, hasLabel });
  const tags = split.rows.flatMap((row) => row.tags!);
  let word = 0;
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    labels: Int32Array.from(split.wordStarts!, (start) => (start ? ids.get(tags[word++]!)! : -1)),
    labelsOf: "tokens",
    rowIds: split.rows.map(({ id }) => id),
  };
}
