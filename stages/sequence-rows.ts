import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenSplit } from "./artifacts/tokens.ts";

/** Rows for sequence-to-sequence: the labels are each row's target. A StageFailure where rows have none. */
export function sequenceRows(name: string, split: TokenSplit): TokenDataset {
  const { inputIds, offsets, tokenTypeIds, targets, rows } = split;
  if (targets === undefined)
    throw new StageFailure({
      code: "rows-without-target",
      message: `The rows of the split "${name}" have no targets, which sequence-to-sequence learns.`,
      hint: "set `source` and `target` in the load stage to the columns that hold them",
    });
  return {
    ids: inputIds,
    offsets,
    ...(tokenTypeIds && { typeIds: tokenTypeIds }),
    labels: Int32Array.from(targets.inputIds),
    labelsOf: "sequences",
    labelOffsets: targets.offsets,
    rowIds: rows.map(({ id }) => id),
  };
}

/** A StageFailure where rows have targets, of which a language model would not see anything. */
export function requireNoTargets(name: string, { targets }: TokenSplit): void {
  if (targets === undefined) return;
  throw new StageFailure({
    code: "targets-not-read",
    message: `The rows of the split "${name}" have targets, which causal-lm does not read.`,
    hint: "train for sequence-to-sequence, or name the columns `prompt` and `completion` in the load stage",
  });
}
