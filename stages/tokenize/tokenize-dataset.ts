import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPort, Json, StageContext } from "../../engine/stage.ts";
import type { dataset, Row } from "../artifacts/dataset.ts";
import { CHAT_TEMPLATE_FILE, type TokenizerFiles, type tokenizer } from "../artifacts/tokenizer.ts";
import type { TokenSplit, Tokens } from "../artifacts/tokens.ts";
import { BatchEncoder, type EncodedBatch } from "./batch-encoder.ts";
import { ChatTemplate } from "./chat-template.ts";
import type { EncoderFacts, Template } from "./encoder.ts";
import {
  areQuestions,
  encodeQuestions,
  type QuestionNumbers,
  type QuestionOptions,
} from "./question-split.ts";
import { readTokenizer } from "./read-tokenizer.ts";
import { type EncodedRows, rowEncoding } from "./row-encoding.ts";
import { type LostWords, tagTokens } from "./tagged-split.ts";
import type { TokenizeParams } from "./tokenize.ts";
import { SplitLengths, tokenizeReport } from "./tokenize-report.ts";
import { type CutTexts, packIds, writtenTokens } from "./written-split.ts";

type Context = StageContext<
  TokenizeParams,
  {
    dataset: InputPort<typeof dataset>;
    tokenizer: InputPort<typeof tokenizer> & { readonly optional: true };
  }
>;

/** As transformers' example for question answering has it. No default of the schema, so that older lockfiles hold. */
const DOC_STRIDE = 128;

const BATCH_CHARACTERS = 1 << 18;

/** Turns every row into ids, with a report of lengths. */
export async function tokenizeDataset(context: Context): Promise<{ tokens: Tokens; report: Json }> {
  const { params, inputs, metric } = context;
  const files = await tokenizerOf(context);
  const { splits: given } = await inputs.dataset.read();
  const encoder = new BatchEncoder(files, { maxLength: params.max_length });
  const { facts } = encoder;
  requireRoom(params.max_length, facts.template);
  let template: ChatTemplate | undefined;
  const chatTemplate = () => {
    template ??= new ChatTemplate(files);
    return template;
  };
  const maxTargetLength = params.max_target_length ?? params.max_length;
  const encoding = { encoder, maxTargetLength, chatTemplate };
  const splits = new Map<string, TokenSplit>();
  const lengths = new Map<string, SplitLengths>();
  const lost: LostWords[] = [];
  const cut: CutTexts[] = [];
  const asked: QuestionNumbers[] = [];
  for (const [name, rows] of given) {
    if (areQuestions(rows)) {
      const options = questionOptions(context, encoder, { name, rows });
      const { split, ...found } = await encodeQuestions(rows, options);
      asked.push(found.numbers);
      splits.set(name, split);
      lengths.set(name, new SplitLengths(found.rows, [found.batch], facts));
      continue;
    }
    const batches = await encodeRows(context, rowEncoding(rows, encoding), { name, rows });
    const tagged = tagTokens(rows, batches);
    if (tagged) lost.push(tagged.lost);
    const written = writtenTokens(rows, batches, facts.vocabSize);
    cut.push(written.cut);
    splits.set(name, { ...packSplit(rows, batches, facts), ...tagged?.split, ...written.split });
    lengths.set(name, new SplitLengths(rows, batches, facts));
  }
  await template?.close();
  const { report, metrics } = tokenizeReport(lengths, params.max_length);
  const numbers = { ...metrics, ...lostNumbers(lost), ...summed(cut), ...summed(asked) };
  for (const [name, value] of Object.entries(numbers)) metric(name, value);
  return { tokens: { splits, facts: factsOf(facts, params.max_length), tokenizer: files }, report };
}

async function tokenizerOf(context: Context): Promise<TokenizerFiles> {
  const files = await ownTokenizer(context);
  const { chat_template } = context.params;
  if (chat_template === undefined) return files;
  return new Map([...files, [CHAT_TEMPLATE_FILE, await readFile(chat_template)]]);
}

async function ownTokenizer({ params, inputs }: Context): Promise<TokenizerFiles> {
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
  encode: (batch: readonly Row[]) => Promise<EncodedRows>,
  { name, rows }: { name: string; rows: readonly Row[] },
): Promise<readonly EncodedRows[]> {
  const batches: EncodedRows[] = [];
  for (let start = 0; start < rows.length; ) {
    const end = batchEnd(rows, start);
    const batch = rows.slice(start, end);
    await setImmediate(); // lets an interrupt arrive
    signal.throwIfAborted();
    const encoded = await encode(batch);
    for (const [i, row] of batch.entries()) {
      requireFitting(encoded, i, { name, row, limit: ["max_length", params.max_length], params });
      if (encoded.targets) {
        const { max_target_length = params.max_length } = params;
        const limit = ["max_target_length", max_target_length] as const;
        requireFitting(encoded.targets, i, { name, row, limit, params });
      }
    }
    batches.push(encoded);
    start = end;
    progress({ done: start, total: rows.length, unit: "rows" });
  }
  return batches;
}

function requireFitting(
  { fullLengths }: EncodedBatch,
  at: number,
  {
    name,
    row,
    limit,
    params,
  }: {
    name: string;
    row: Row;
    limit: readonly [param: string, most: number];
    params: TokenizeParams;
  },
): void {
  const length = fullLengths[at]!;
  if (length === 0) throw noTokens(name, row);
  if (length > limit[1] && !params.truncation) throw tooLong(name, row, { length, limit });
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

function questionOptions(
  { params, signal, progress }: Context,
  encoder: BatchEncoder,
  { name, rows }: { name: string; rows: readonly Row[] },
): QuestionOptions {
  const { max_length: maxLength, doc_stride: docStride = DOC_STRIDE } = params;
  return {
    name,
    encoder,
    limits: { maxLength, docStride },
    onRows(done) {
      signal.throwIfAborted();
      progress({ done, total: rows.length, unit: "rows" });
    },
  };
}

function summed(counts: readonly (CutTexts | QuestionNumbers)[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const numbers of counts)
    for (const [name, value] of Object.entries(numbers)) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}

function packSplit(
  rows: readonly Row[],
  batches: readonly EncodedBatch[],
  { vocabSize, template }: EncoderFacts,
): TokenSplit {
  const ids = packIds(batches, rows.length, vocabSize);
  const kept = rows.map(({ id, label, labels, numbers, completion, target = completion }) => ({
    id,
    ...(label !== undefined && { label }),
    ...(labels && { labels }),
    ...(numbers && { numbers }),
    ...(target !== undefined && { reference: target }),
  }));
  const split = { rows: kept, ...ids };
  return template.types ? { ...split, tokenTypeIds: typesOf(ids.offsets, template) } : split;
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
  { length, limit: [param, most] }: { length: number; limit: readonly [string, number] },
): StageFailure {
  return new StageFailure({
    code: "row-too-long",
    message: `The row "${id}" of the split "${split}" has ${length} tokens, more than ${param} ${most}.`,
    hint: `raise ${param}, or let rows be cut with truncation: true`,
  });
}
