import { setImmediate } from "node:timers/promises";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { AskedQuestion } from "../../training/question-set.ts";
import type { Row } from "../artifacts/dataset.ts";
import type { TokenQuestions } from "../artifacts/token-questions.ts";
import type { TokenSplit } from "../artifacts/tokens.ts";
import { codePointsOf } from "../code-points.ts";
import type { BatchEncoder, EncodedBatch } from "./batch-encoder.ts";
import type { QuestionLimits, QuestionRow } from "./encode-question.ts";
import { packIds } from "./written-split.ts";

/** A row that asks about its text. */
export interface QuestionedRow extends Row {
  readonly question: string;
}

/** Whether every row asks a question. */
export function areQuestions(rows: readonly Row[]): rows is readonly QuestionedRow[] {
  return rows.length > 0 && rows.every(({ question }) => question !== undefined);
}

/** What the questions of a split become. */
export interface EncodedQuestions {
  readonly split: TokenSplit;
  /** The split's rows for the report: one for each stretch of a context. */
  readonly rows: readonly Row[];
  readonly batch: EncodedBatch;
  readonly numbers: QuestionNumbers;
}

/** What is counted of the questions of a split. */
export interface QuestionNumbers {
  readonly questions: number;
  /** Questions whose context takes more than one row. */
  readonly contexts_cut: number;
  /** Questions whose answer no row holds from begin to end. */
  readonly answers_cut: number;
}

/** What questions are encoded with. */
export interface QuestionOptions {
  /** Of the split, for messages. */
  readonly name: string;
  readonly encoder: BatchEncoder;
  readonly limits: QuestionLimits;
  /** Told how many questions are done. */
  readonly onRows: (done: number) => void;
}

const ROWS_AT_ONCE = 64;

/** Each question with its context, in as many rows as the limits ask for; a StageFailure names one that is too long. */
export async function encodeQuestions(
  given: readonly QuestionedRow[],
  options: QuestionOptions,
): Promise<EncodedQuestions> {
  const encoded = await encodeAll(given, options);
  const all = encoded.flat();
  const ofRow = Uint32Array.from(encoded.flatMap((rows, number) => rows.map(() => number)));
  const spans = given.map(answerSpan);
  const answers = all.map((row, i) => answerTokens(row, spans[ofRow[i]!]));
  const held = new Set(answers.flatMap(([, end], i) => (end > 0 ? [ofRow[i]!] : [])));
  const rows = encoded.flatMap((own, number) => own.map((_, part) => rowOf(given[number]!, part)));
  const ids = join(all, (row) => row.ids);
  const lengths = Uint32Array.from(all, (row) => row.ids.length);
  const batch = { ids, lengths, fullLengths: lengths };
  const types = Uint8Array.from(Buffer.concat(all.map((row) => row.types)));
  const questions: TokenQuestions = {
    asked: given.map(askedOf),
    ofRow,
    begins: join(all, (row) => row.begins),
    ends: join(all, (row) => row.ends),
    answers: Uint32Array.from(answers.flat()),
  };
  return {
    split: {
      rows: rows.map(({ id }) => ({ id })),
      ...packIds([batch], rows.length, options.encoder.facts.vocabSize),
      ...(types.some((type) => type > 0) && { tokenTypeIds: types }),
      questions,
    },
    rows,
    batch,
    numbers: {
      questions: given.length,
      contexts_cut: encoded.filter((own) => own.length > 1).length,
      answers_cut: spans.filter((span, number) => span && !held.has(number)).length,
    },
  };
}

function askedOf({ id, text, answers }: QuestionedRow): AskedQuestion {
  return { id, context: text, answers: answers?.text ?? [] };
}

async function encodeAll(
  given: readonly QuestionedRow[],
  { name, encoder, limits, onRows }: QuestionOptions,
): Promise<readonly (readonly QuestionRow[])[]> {
  const encoded: (readonly QuestionRow[])[] = [];
  for (let at = 0; at < given.length; at += ROWS_AT_ONCE) {
    await setImmediate(); // lets an interrupt arrive
    const some = given.slice(at, at + ROWS_AT_ONCE);
    const pairs = some.map(({ question, text: context }) => ({ question, context }));
    for (const [i, rows] of encoder.encodeQuestions(pairs, limits).entries()) {
      if (rows.length === 0) throw tooLong(name, some[i]!, limits);
      encoded.push(rows);
    }
    onRows(encoded.length);
  }
  return encoded;
}

function rowOf(given: QuestionedRow, part: number): Row {
  return part === 0 ? given : { ...given, id: `${given.id}#${part + 1}` };
}

interface Span {
  readonly begin: number;
  readonly end: number;
}

/** Where the first answer stands in the context, in UTF-16 code units: what a model learns. */
function answerSpan({ text, answers }: QuestionedRow): Span | undefined {
  const [answer] = answers?.text ?? [];
  if (answer === undefined) return undefined;
  const begin = codePointsOf(text).toCodeUnit(answers!.answer_start[0]!)!;
  return { begin, end: begin + answer.length };
}

const NONE = [0, 0] as const; // the first token stands for "not here"

/** The first and the last token of the answer, where the row holds it from begin to end. */
function answerTokens(
  { begins, ends }: QuestionRow,
  span: Span | undefined,
): readonly [number, number] {
  if (span === undefined) return NONE;
  const isToken = (end: number, at: number) => end > begins[at]!;
  const [from, to] = [ends.findIndex(isToken), ends.findLastIndex(isToken)];
  const isHeld = from >= 0 && begins[from]! <= span.begin && ends[to]! >= span.end;
  if (!isHeld) return NONE;
  const first = ends.findIndex((end, at) => isToken(end, at) && end > span.begin);
  const last = ends.findLastIndex((end, at) => isToken(end, at) && begins[at]! < span.end);
  return first <= last ? [first, last] : NONE; // no token at all: of characters that were taken out
}

function join(rows: readonly QuestionRow[], of: (row: QuestionRow) => Uint32Array): Uint32Array {
  const all = new Uint32Array(rows.reduce((sum, row) => sum + of(row).length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(of(row), at);
    at += of(row).length;
  }
  return all;
}

function tooLong(
  split: string,
  { id }: Row,
  { maxLength, docStride }: QuestionLimits,
): StageFailure {
  return new StageFailure({
    code: "question-too-long",
    message: `The question of the row "${id}" of the split "${split}" leaves no room for a stretch of its context: max_length is ${maxLength}, of which doc_stride ${docStride} is shared with the stretch before.`,
    hint: "raise max_length, or lower doc_stride",
  });
}
