import { setImmediate } from "node:timers/promises";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPort, Json, StageContext } from "../../engine/stage.ts";
import type { dataset, Row } from "../artifacts/dataset.ts";
import type { TokenizerFiles, tokenizer } from "../artifacts/tokenizer.ts";
import type { TokenSplit, Tokens } from "../artifacts/tokens.ts";
import { BatchEncoder, type EncodedBatch } from "./batch-encoder.ts";
import type { EncoderFacts, Template } from "./encoder.ts";
import { readTokenizer } from "./read-tokenizer.ts";
import { areTagged, type LostWords, tagTokens } from "./tagged-split.ts";
import type { TokenizeParams } from "./tokenize.ts";
import { SplitLengths, tokenizeReport } from "./tokenize-report.ts";

type Context = StageContext<
  TokenizeParams,
  {
    dataset: InputPort<typeof dataset>;
    tokenizer: InputPort<typeof tokenizer> & { readonly optional: true };
  }
>;

const BATCH_CHARACTERS = 1 << 18;

/** Turns every row into ids, with a report of lengths. */
export async function tokenizeDataset(context: Context): Promise<{ tokens: Tokens; report: Json }> {
  const { params, inputs, metric } = context;
  const files = await tokenizerOf(context);
  const { splits: given } = await inputs.dataset.read();
  const encoder = new BatchEncoder(files, { maxLength: params.max_length });
  const { facts } = encoder;
  requireRoom(params.max_length, facts.template);
  const splits = new Map<string, TokenSplit>();
  const lengths = new Map<string, SplitLengths>();
  const lost: LostWords[] = [];
  for (const [name, rows] of given) {
    const batches = await encodeRows(context, encoder, { name, rows });
    const tagged = tagTokens(rows, batches);
    if (tagged) lost.push(tagged.lost);
    splits.set(name, { ...packSplit(rows, batches, facts), ...tagged?.split });
    lengths.set(name, new SplitLengths(rows, batches, facts));
  }
  const { report, metrics } = tokenizeReport(lengths, params.max_length);
  for (const [name, value] of Object.entries({ ...metrics, ...lostNumbers(lost) }))
    metric(name, value);
  return { tokens: { splits, facts: factsOf(facts, params.max_length), tokenizer: files }, report };
}

async function tokenizerOf({ params, inputs }: Context): Promise<TokenizerFiles> {
  if (inputs.tokenizer !== undefined) return inputs.tokenizer.read();
  if (params.tokenizer !== undefined) return readTokenizer(params.tokenizer);
  throw new Error("internal: a tokenize stage without a tokenizer passed the check");
}

function factsOf(
  { vocabSize, padId, unknownId, modelInputNames }: EncoderFacts,
  maxLength: number,
) {
  return {
    max_length: maxLength,
    vocab_size: vocabSize,
    pad_token_id: padId,
    unk_token_id: unknownId,
    model_input_names: modelInputNames,
  };
}

async function encodeRows(
  { params, signal, progress }: Context,
  encoder: BatchEncoder,
  { name, rows }: { name: string; rows: readonly Row[] },
): Promise<readonly EncodedBatch[]> {
  const batches: EncodedBatch[] = [];
  const isTagged = areTagged(rows);
  for (let start = 0; start < rows.length; ) {
    const end = batchEnd(rows, start);
    const batch = rows.slice(start, end);
    await setImmediate(); // lets an interrupt arrive
    signal.throwIfAborted();
    const encoded = isTagged
      ? encoder.encodeWords(batch.map(({ words }) => words!))
      : encoder.encode(batch.map(({ text }) => text));
    for (const [i, row] of batch.entries()) {
      const length = encoded.fullLengths[i]!;
      if (length === 0) throw noTokens(name, row);
      if (length > params.max_length && !params.truncation)
        throw tooLong(name, row, length, params);
    }
    batches.push(encoded);
    start = end;
    progress({ done: start, total: rows.length, unit: "rows" });
  }
  return batches;
}

/** A batch ends with the row that fills it. */
function batchEnd(rows: readonly Row[], start: number): number {
  let characters = 0;
  let end = start;
  while (end < rows.length && characters < BATCH_CHARACTERS) characters += rows[end++]!.text.length;
  return end;
}

function lostNumbers(lost: readonly LostWords[]): Readonly<Record<string, number>> {
  if (lost.length === 0) return {};
  const total = (of: keyof LostWords) => lost.reduce((sum, each) => sum + each[of], 0);
  return { words_cut: total("cut"), words_without_tokens: total("withoutTokens") };
}

function packSplit(
  rows: readonly Row[],
  batches: readonly EncodedBatch[],
  { vocabSize, template }: EncoderFacts,
): TokenSplit {
  const total = batches.reduce((sum, { ids }) => sum + ids.length, 0);
  if (total > 0xffff_ffff) throw new Error("internal: more than 2^32 tokens in one split");
  const inputIds = vocabSize <= 0x1_0000 ? new Uint16Array(total) : new Uint32Array(total);
  const offsets = new Uint32Array(rows.length + 1);
  let row = 0;
  let at = 0;
  for (const { ids, lengths } of batches) {
    inputIds.set(ids, at);
    for (const length of lengths) offsets[++row] = at += length;
  }
  const kept = rows.map(({ id, label }) => (label === undefined ? { id } : { id, label }));
  const split = { rows: kept, inputIds, offsets };
  return template.types ? { ...split, tokenTypeIds: typesOf(offsets, template) } : split;
}

/** The token types of packed rows, for a tokenizer whose template has types. */
export function typesOf(offsets: Uint32Array, { types }: Template): Uint8Array {
  const [before, text, after] = types!;
  const all = new Uint8Array(offsets.at(-1)!).fill(text);
  for (let row = 0; row + 1 < offsets.length; row++) {
    all.set(before, offsets[row]);
    all.set(after, offsets[row + 1]! - after.length);
  }
  return all;
}

function requireRoom(maxLength: number, { before, after }: Template): void {
  const special = before.length + after.length;
  if (maxLength > special) return;
  throw new StageFailure({
    code: "no-room-for-text",
    message: `max_length ${maxLength} leaves no room for text beside the ${special} special tokens of each row.`,
    hint: "raise max_length",
  });
}

function noTokens(split: string, { id }: Row): StageFailure {
  return new StageFailure({
    code: "row-without-tokens",
    message: `The row "${id}" of the split "${split}" has no tokens: its text is empty, or white space only.`,
    hint: "take such rows out with the rule drop_empty of the clean stage",
  });
}

function tooLong(
  split: string,
  { id }: Row,
  length: number,
  { max_length }: TokenizeParams,
): StageFailure {
  return new StageFailure({
    code: "row-too-long",
    message: `The row "${id}" of the split "${split}" has ${length} tokens, more than max_length ${max_length}.`,
    hint: "raise max_length, or let rows be cut with truncation: true",
  });
}
