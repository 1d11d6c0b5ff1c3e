import type { ArtifactReader, ArtifactWriter } from "../../engine/artifact.ts";
import type { RawTensor } from "../../models/safetensors.ts";
import type { AskedQuestion, QuestionSet } from "../../training/question-set.ts";
import { isListOfTexts } from "./dataset.ts";
import { formatJsonLines, splitLines } from "./lines.ts";
import { malformed } from "./malformed.ts";

/** The questions of a split, and in each row the tokens of the answer. */
export interface TokenQuestions extends QuestionSet {
  /** Two of each row: its first token and its last; 0 and 0 where the row does not hold it. */
  readonly answers: Uint32Array;
}

/** The tensors of questions by their names in tokens.safetensors, each U32. */
export function questionTensors({ ofRow, begins, ends, answers }: TokenQuestions) {
  return Object.entries({
    question_of_row: ofRow,
    context_begins: begins,
    context_ends: ends,
    answer_tokens: answers,
  });
}

/** Writes `<split>/questions.jsonl`, each line `{"id","context","answers"}`. */
export async function writeQuestions(
  split: string,
  { asked }: TokenQuestions,
  files: ArtifactWriter,
): Promise<void> {
  const lines = asked.map(({ id, context, answers }) => ({ id, context, answers }));
  await files.write(`${split}/questions.jsonl`, formatJsonLines(lines));
}

/** The questions of a split; undefined where it has none. */
export async function readQuestions(
  split: string,
  files: ArtifactReader,
  {
    tensors,
    rows,
    tokens,
    u32Of,
  }: {
    tensors: ReadonlyMap<string, RawTensor>;
    rows: number;
    tokens: number;
    u32Of: (tensor: RawTensor | undefined) => Uint32Array | undefined;
  },
): Promise<TokenQuestions | undefined> {
  const path = `${split}/questions.jsonl`;
  if (!files.has(path)) return undefined;
  const asked = await readAsked(files, path);
  const [ofRow, begins, ends, answers] = [
    ["question_of_row", rows] as const,
    ["context_begins", tokens] as const,
    ["context_ends", tokens] as const,
    ["answer_tokens", 2 * rows] as const,
  ].map(([name, length]) => {
    const found = u32Of(tensors.get(name));
    if (found?.length === length) return found;
    throw malformed("tokens", path, `does not fit ${name} in tokens.safetensors`);
  }) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  if (ofRow.some((question) => question >= asked.length))
    throw malformed("tokens", path, "lacks a question of a row");
  return { asked, ofRow, begins, ends, answers };
}

async function readAsked(files: ArtifactReader, path: string): Promise<AskedQuestion[]> {
  const asked: AskedQuestion[] = [];
  for await (const lines of splitLines(files.stream(path)))
    for (const { bytes, number } of lines) {
      const question = parsed(bytes);
      if (!isAsked(question))
        throw malformed("tokens", path, `has no valid question in line ${number}`);
      asked.push(question);
    }
  return asked;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

function isAsked(value: unknown): value is AskedQuestion {
  const { id, context, answers } = (value ?? {}) as Partial<Record<keyof AskedQuestion, unknown>>;
  return typeof id === "string" && typeof context === "string" && isListOfTexts(answers);
}
