import type { ArtifactReader, ArtifactType, ArtifactWriter } from "../../engine/artifact.ts";
import { ModelError } from "../../models/model-error.ts";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../../models/safetensors.ts";
import { areNumbers, isListOfTexts } from "./dataset.ts";
import { formatJsonLines, splitLines } from "./lines.ts";
import { malformed } from "./malformed.ts";
import { labelsProblem } from "./token-labels.ts";
import {
  questionTensors,
  readQuestions,
  type TokenQuestions,
  writeQuestions,
} from "./token-questions.ts";
import { TOKENIZER_FILES, type TokenizerFiles } from "./tokenizer.ts";

/** What is left of a row once its text is tokens. */
export interface TokenRow {
  readonly id: string;
  readonly label?: string;
  readonly labels?: readonly string[];
  readonly numbers?: Readonly<Record<string, number>>;
  /** Of the words that begin in the row, in their order. */
  readonly tags?: readonly string[];
  /** What is to be written after the row, or for it: the text of its completion or target. */
  readonly reference?: string;
}

/** The rows of a split, their tokens packed one row after the other: row i has [offsets[i], offsets[i + 1]). */
export interface TokenSplit {
  readonly rows: readonly TokenRow[];
  readonly inputIds: Uint16Array | Uint32Array;
  /** rows + 1 positions in inputIds. */
  readonly offsets: Uint32Array;
  /** As long as inputIds; absent where all are 0. */
  readonly tokenTypeIds?: Uint8Array;
  /** As long as inputIds, 1 where a word with a tag begins; absent where words have no tags. */
  readonly wordStarts?: Uint8Array;
  /** As long as inputIds, a Written for each; absent where texts have no parts. */
  readonly written?: Uint8Array;
  /** As long as inputIds, for masked-lm: the id to be found at each token, NO_LABEL for none; absent where the task itself is to hide words. */
  readonly labels?: Int32Array;
  /** What the rows are to become; absent where there is no such thing. */
  readonly targets?: TokenTargets;
  /** What the rows ask; absent where they ask nothing. */
  readonly questions?: TokenQuestions;
}

/** Who wrote a token: `given` before a model goes on (a prompt, what users say), `own` to be written by it, or `unknown`. */
export const Written = { given: 0, own: 1, unknown: 2 } as const;

/** The targets of a split's rows, packed as the rows are. */
export interface TokenTargets {
  readonly inputIds: Uint16Array | Uint32Array;
  readonly offsets: Uint32Array;
}

/** Facts that hold for all splits. */
export interface TokensFacts {
  /** No row is longer. */
  readonly max_length: number;
  /** One more than the largest token id. */
  readonly vocab_size: number;
  /** Null where the tokenizer has no such token. */
  readonly pad_token_id: number | null;
  readonly unk_token_id: number | null;
  readonly model_input_names: readonly string[];
}

/** A dataset as token ids, with the tokenizer that made them. */
export interface Tokens {
  readonly splits: ReadonlyMap<string, TokenSplit>;
  readonly facts: TokensFacts;
  readonly tokenizer: TokenizerFiles;
}

/**
 * For each split `<split>/tokens.safetensors` (input_ids U16 or U32, lengths U32, token_type_ids, word_starts and written
 * U8, labels I32, target_ids and target_lengths, those of questions) and `<split>/rows.jsonl`, of questions `<split>/questions.jsonl`; at the top tokens.json and the tokenizer's files as they were given.
 */
export const tokens: ArtifactType<Tokens> = {
  name: "tokens",
  format: 1,
  hasParts: true,
  async write({ splits, facts, tokenizer }, files) {
    await files.write("tokens.json", `${JSON.stringify(facts, null, 2)}\n`);
    for (const [name, bytes] of tokenizer) await files.write(name, bytes);
    for (const [name, split] of splits) await writeSplit(name, split, files);
  },
  async read(files) {
    const found = TOKENIZER_FILES.filter((name) => files.has(name));
    const tokenizer = new Map<string, Uint8Array>();
    for (const name of found) tokenizer.set(name, await files.read(name));
    const facts = await readFacts(files);
    const splits = new Map<string, TokenSplit>();
    for (const path of files.paths)
      if (path.endsWith("/tokens.safetensors")) {
        const name = path.slice(0, path.indexOf("/"));
        splits.set(name, await readSplit(name, files, facts));
      }
    return { splits, facts, tokenizer };
  },
};

async function writeSplit(name: string, split: TokenSplit, files: ArtifactWriter): Promise<void> {
  const tensors = new Map<string, RawTensor>([
    ["input_ids", idTensor(split.inputIds)],
    ["lengths", tensorOf("U32", lengthsOf(split.offsets))],
  ]);
  if (split.tokenTypeIds) tensors.set("token_type_ids", tensorOf("U8", split.tokenTypeIds));
  if (split.wordStarts) tensors.set("word_starts", tensorOf("U8", split.wordStarts));
  if (split.written) tensors.set("written", tensorOf("U8", split.written));
  if (split.labels) tensors.set("labels", tensorOf("I32", split.labels));
  if (split.targets) {
    tensors.set("target_ids", idTensor(split.targets.inputIds));
    tensors.set("target_lengths", tensorOf("U32", lengthsOf(split.targets.offsets)));
  }
  if (split.questions)
    for (const [tensor, data] of questionTensors(split.questions))
      tensors.set(tensor, tensorOf("U32", data));
  await files.write(`${name}/tokens.safetensors`, formatSafetensors(tensors));
  await files.write(`${name}/rows.jsonl`, formatJsonLines(split.rows.map(canonicalRow)));
  if (split.questions) await writeQuestions(name, split.questions, files);
}

function canonicalRow({ id, label, labels, numbers, tags, reference }: TokenRow): TokenRow {
  return {
    id,
    ...(label !== undefined && { label }),
    ...(labels && { labels }),
    ...(numbers && { numbers }),
    ...(tags && { tags }),
    ...(reference !== undefined && { reference }),
  };
}

function lengthsOf(offsets: Uint32Array): Uint32Array {
  return offsets.subarray(1).map((end, i) => end - offsets[i]!);
}

function idTensor(ids: Uint16Array | Uint32Array): RawTensor {
  return tensorOf(ids instanceof Uint16Array ? "U16" : "U32", ids);
}

function tensorOf(
  dtype: "U8" | "U16" | "U32" | "I32",
  data: Uint8Array | Uint16Array | Uint32Array | Int32Array,
): RawTensor {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype, shape: [data.length], bytes };
}

async function readFacts(files: ArtifactReader): Promise<TokensFacts> {
  try {
    const facts = JSON.parse(await files.readText("tokens.json")) as Partial<TokensFacts>;
    if (Number.isSafeInteger(facts.max_length) && Number.isSafeInteger(facts.vocab_size))
      return facts as TokensFacts;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw malformed("tokens", "tokens.json", "is not what the tokenize stage writes");
}

async function readSplit(
  name: string,
  files: ArtifactReader,
  facts: TokensFacts,
): Promise<TokenSplit> {
  const path = `${name}/tokens.safetensors`;
  const tensors = parseTensors(await files.read(path), path);
  const rows = await readTokenRows(files, `${name}/rows.jsonl`);
  const packed = { path, rows: rows.length, vocabSize: facts.vocab_size };
  const { inputIds, offsets } = packedIds(tensors, ["input_ids", "lengths"], packed);
  const targets = tensors.has("target_ids")
    ? packedIds(tensors, ["target_ids", "target_lengths"], packed)
    : undefined;
  const [types, starts, written] = ["token_type_ids", "word_starts", "written"].map((tensor) => {
    const found = tensors.get(tensor);
    if (found && (found.dtype !== "U8" || found.bytes.byteLength !== inputIds.length))
      throw malformed("tokens", path, `has ${tensor} of another size than its tokens`);
    return found;
  });
  const questions = await readQuestions(name, files, {
    tensors,
    rows: rows.length,
    tokens: inputIds.length,
    u32Of,
  });
  if (starts && !fitsTags(starts.bytes, offsets, rows))
    throw malformed("tokens", path, "has word_starts that do not fit the tags of its rows");
  const labels = i32Of(tensors.get("labels"));
  const split = {
    rows,
    inputIds,
    offsets,
    ...(types && { tokenTypeIds: new Uint8Array(types.bytes) }),
    ...(starts && { wordStarts: new Uint8Array(starts.bytes) }),
    ...(written && { written: new Uint8Array(written.bytes) }),
    ...(labels && { labels }),
    ...(targets && { targets }),
    ...(questions && { questions }),
  };
  const problem = labelsProblem(split, facts.vocab_size);
  if (problem !== undefined) throw malformed("tokens", path, problem);
  return split;
}

/** Ids of as many rows as there are, by the names of two tensors. */
function packedIds(
  tensors: ReadonlyMap<string, RawTensor>,
  [idsName, lengthsName]: readonly [string, string],
  { path, rows, vocabSize }: { path: string; rows: number; vocabSize: number },
): TokenTargets {
  const offsets = offsetsOf(u32Of(tensors.get(lengthsName)));
  const inputIds = idsOf(tensors.get(idsName));
  if (inputIds === undefined || offsets === undefined || offsets.length !== rows + 1)
    throw malformed("tokens", path, `does not hold ${rows} rows`);
  if (offsets.at(-1) !== inputIds.length)
    throw malformed("tokens", path, "has lengths that do not add up to its tokens");
  if (inputIds.some((id) => id >= vocabSize))
    throw malformed("tokens", path, `has an id outside the vocabulary of ${vocabSize}`);
  return { inputIds, offsets };
}

function fitsTags(starts: Uint8Array, offsets: Uint32Array, rows: readonly TokenRow[]): boolean {
  return rows.every(({ tags }, row) => {
    const own = starts.subarray(offsets[row], offsets[row + 1]);
    return tags?.length === own.reduce((sum, start) => sum + start, 0);
  });
}

function parseTensors(bytes: Uint8Array, path: string): ReadonlyMap<string, RawTensor> {
  try {
    return parseSafetensors(bytes).tensors;
  } catch (error) {
    if (error instanceof ModelError) throw malformed("tokens", path, `is broken (${error.code})`);
    throw error;
  }
}

/** A copy is aligned, whatever the offset in the file was; a Buffer's own slice() would be none. */
function u32Of(tensor: RawTensor | undefined): Uint32Array | undefined {
  return tensor?.dtype === "U32" ? new Uint32Array(new Uint8Array(tensor.bytes).buffer) : undefined;
}

/** Empty where it is there but of another type: no split has as many. */
function i32Of(tensor: RawTensor | undefined): Int32Array | undefined {
  if (tensor === undefined) return undefined;
  if (tensor.dtype !== "I32") return new Int32Array();
  return new Int32Array(new Uint8Array(tensor.bytes).buffer);
}

function idsOf(tensor: RawTensor | undefined): Uint16Array | Uint32Array | undefined {
  return tensor?.dtype === "U16"
    ? new Uint16Array(new Uint8Array(tensor.bytes).buffer)
    : u32Of(tensor);
}

function offsetsOf(lengths: Uint32Array | undefined): Uint32Array | undefined {
  if (lengths === undefined) return undefined;
  const offsets = new Uint32Array(lengths.length + 1);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    at += lengths[i]!;
    offsets[i + 1] = at;
  }
  return at <= 0xffff_ffff ? offsets : undefined;
}

async function readTokenRows(files: ArtifactReader, path: string): Promise<TokenRow[]> {
  const rows: TokenRow[] = [];
  for await (const lines of splitLines(files.stream(path)))
    for (const { bytes, number } of lines) {
      const row = parseTokenRow(bytes);
      if (!row) throw malformed("tokens", path, `has no valid row in line ${number}`);
      rows.push(row);
    }
  return rows;
}

function parseTokenRow(bytes: Uint8Array): TokenRow | undefined {
  try {
    const row = JSON.parse(Buffer.from(bytes).toString()) as Partial<TokenRow> | null;
    const valid =
      typeof row?.id === "string" &&
      [row.label, row.reference].every((one) => one === undefined || typeof one === "string") &&
      (row.labels === undefined || isListOfTexts(row.labels)) &&
      (row.numbers === undefined || areNumbers(row.numbers)) &&
      (row.tags === undefined || isListOfTexts(row.tags));
    return valid ? (row as TokenRow) : undefined;
  } catch {
    return undefined;
  }
}
