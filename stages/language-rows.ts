import { StageFailure } from "../engine/diagnostic.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import { NO_LABEL } from "./artifacts/token-labels.ts";
import { type TokenSplit, Written } from "./artifacts/tokens.ts";
import { requireNoTargets } from "./sequence-rows.ts";
import type { RowsContext } from "./task-rows.ts";
import { BatchEncoder } from "./tokenize/batch-encoder.ts";

/**
 * Rows for masked-lm: tokens that come with labels stay as they are; of others every one but the special ones may be
 * hidden. A StageFailure where there is no mask token to do so.
 */
export function maskableRows(
  split: TokenSplit,
  { tokenizer, mlmProbability: probability }: RowsContext,
): TokenDataset {
  if (split.labels)
    return {
      ...rowsOf(split),
      labels: split.labels.map((id) => (id === NO_LABEL ? -1 : id)),
      labelsOf: "tokens",
    };
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
 * has one. Completions and conversations hold their end themselves, and may leave out what is given to the model; a
 * StageFailure names a conversation of which nobody knows what that is.
 */
export function followedRows(
  name: string,
  split: TokenSplit,
  { tokenizer, onlyWritten }: RowsContext,
): TokenDataset {
  requireNoTargets(name, split);
  const { endId } = new BatchEncoder(tokenizer, { maxLength: 1 }).facts;
  const { inputIds, offsets, written } = split;
  const labels = Int32Array.from(inputIds, (_, at) => inputIds[at + 1] ?? -1);
  for (const row of split.rows.keys()) {
    const last = offsets[row + 1]! - 1;
    labels[last] = written || inputIds[last] === endId ? -1 : (endId ?? -1);
  }
  const kind = areCompletions(split) ? "completions" : "assistant";
  if (written && onlyWritten[kind]) {
    requireKnown(name, split);
    for (const at of labels.keys()) if (written[at + 1] !== Written.own) labels[at] = -1;
  }
  return { ...rowsOf(split), labels, labelsOf: "tokens" };
}

/** Whether rows are prompts with completions; else parts of them are written by the assistant of a conversation. */
export function areCompletions({ rows }: TokenSplit): boolean {
  return rows.every(({ reference }) => reference !== undefined);
}

function requireKnown(name: string, { written, rows, offsets }: TokenSplit): void {
  const at = written!.indexOf(Written.unknown);
  if (at < 0) return;
  const row = offsets.findIndex((begin) => begin > at) - 1;
  throw new StageFailure({
    code: "assistant-unknown",
    message: `What the assistant says in the row "${rows[row]!.id}" of the split "${name}" cannot be told: the chat template writes earlier messages otherwise once others follow.`,
    hint: "put {% generation %} and {% endgeneration %} into the template around what the assistant says, or leave out assistant_only_loss",
  });
}

function rowsOf(split: TokenSplit): Pick<TokenDataset, "ids" | "offsets" | "typeIds" | "rowIds"> {
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    rowIds: split.rows.map(({ id }) => id),
  };
}
