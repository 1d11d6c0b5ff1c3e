import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TokenSplit } from "./artifacts/tokens.ts";
import type { RowsContext } from "./task-rows.ts";
import { BatchEncoder } from "./tokenize/batch-encoder.ts";

/** Rows for masked-lm: every token but the special ones may be hidden. A StageFailure without a mask token. */
export function maskableRows(
  split: TokenSplit,
  { tokenizer, mlmProbability: probability }: RowsContext,
): TokenDataset {
  const { facts } = new BatchEncoder(tokenizer, { maxLength: 1 });
  const { maskId, vocabSize } = facts;
  if (maskId === null)
    throw new StageFailure({
      code: "no-mask-token",
      message: "The tokenizer has no mask token, which hides the words to be found.",
      hint: "name it as mask_token in tokenizer_config.json, or train for causal-lm",
    });
  const special = new Set([...facts.specialIds, ...facts.template.before, ...facts.template.after]);
  return {
    ...rowsOf(split),
    labels: Int32Array.from(split.inputIds, (id) => (special.has(id) ? -1 : id)),
    labelsOf: "tokens",
    masking: { maskTokenId: maskId, vocabSize, probability },
  };
}

/**
 * Rows for causal-lm: the label of each token is the next one, of the last the end-of-text token where the tokenizer
 * has one. Tokens of a prompt have none but the last, which the completion follows.
 */
export function followedRows(split: TokenSplit, { tokenizer }: RowsContext): TokenDataset {
  const { endId } = new BatchEncoder(tokenizer, { maxLength: 1 }).facts;
  const { inputIds, offsets } = split;
  const labels = new Int32Array(inputIds.length).fill(-1);
  for (const [row, { prompt_tokens = 0 }] of split.rows.entries()) {
    const [begin, end] = [offsets[row]!, offsets[row + 1]!];
    for (let at = begin + Math.max(0, prompt_tokens - 1); at + 1 < end; at++)
      labels[at] = inputIds[at + 1]!;
    if (end > begin + prompt_tokens && inputIds[end - 1] !== endId) labels[end - 1] = endId ?? -1;
  }
  return { ...rowsOf(split), labels, labelsOf: "tokens" };
}

function rowsOf(split: TokenSplit): Pick<TokenDataset, "ids" | "offsets" | "typeIds" | "rowIds"> {
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    rowIds: split.rows.map(({ id }) => id),
  };
}
