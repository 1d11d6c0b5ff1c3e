import type { ArtifactReader, ArtifactType } from "../../engine/artifact.ts";
import { formatJsonLines, splitLines } from "./lines.ts";
import { malformed } from "./malformed.ts";

/** One example. */
export interface Row {
  /** Unique in its dataset; stays the same when other rows come and go. */
  readonly id: string;
  readonly text: string;
  readonly label?: string;
  /** Where any number of labels may fit: those that do. */
  readonly labels?: readonly string[];
  /** Numbers that a model is to give, by their names. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** The text as words, where the words have tags; `text` is then these with spaces between. */
  readonly words?: readonly string[];
  /** The tag of each word. */
  readonly tags?: readonly string[];
  /** What goes on after the text, which is then a prompt. */
  readonly completion?: string;
  /** What the text is to become, such as its translation. */
  readonly target?: string;
  /** A conversation; `text` is then all that is said in it, a line each. */
  readonly messages?: readonly Message[];
  /** A question about the text. */
  readonly question?: string;
  /** What may be answered to it; several are equally right, none says that the text has no answer. */
  readonly answers?: Answers;
  /** The source's other columns by name, sorted by code unit. */
  readonly columns: Readonly<Record<string, string>>;
}

/** Answers as in SQuAD: stretches of a text, and the character (code point, from 0) at which each begins. */
export interface Answers {
  readonly text: readonly string[];
  readonly answer_start: readonly number[];
}

/** One message of a conversation; other keys are for chat templates. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** Examples by split name ("train", "validation", …). */
export interface Dataset {
  readonly splits: ReadonlyMap<string, readonly Row[]>;
}

/** Rows as JSON Lines: `<split>/rows.jsonl`, each line `{"id","text","label"?,"labels"?,"numbers"?,"words"?,"tags"?,"completion"?,"target"?,"messages"?,"question"?,"answers"?,"columns"}`. */
export const dataset: ArtifactType<Dataset> = {
  name: "dataset",
  format: 1,
  hasParts: true,
  async write({ splits }, files) {
    for (const [split, rows] of splits)
      await files.write(`${split}/rows.jsonl`, formatJsonLines(rows.map(canonicalRow)));
  },
  async read(files) {
    const splits = new Map<string, Row[]>();
    for (const path of files.paths) splits.set(splitOf(path), await readRows(files, path));
    return { splits };
  },
};

/** What a row holds under a column's name, `text`, `label` and `id` included; undefined where there is none. */
export function columnOf(row: Row, name: string): string | undefined {
  if (name === "text") return row.text;
  if (name === "label") return row.label;
  if (name === "id") return row.id;
  return Object.hasOwn(row.columns, name) ? row.columns[name] : undefined;
}

/** Key order is part of the bytes: always the same, whoever made the row. */
function canonicalRow({ id, text, label, labels, numbers, columns, ...content }: Row): Row {
  const { words, tags, completion, target, messages, question, answers } = content;
  return {
    id,
    text,
    ...(label !== undefined && { label }),
    ...(labels && { labels }),
    ...(numbers && { numbers }),
    ...(words && tags && { words, tags }),
    ...(completion !== undefined && { completion }),
    ...(target !== undefined && { target }),
    ...(messages && { messages }),
    ...(question !== undefined && { question }),
    ...(answers && { answers }),
    columns,
  };
}

function splitOf(path: string): string {
  const [split, name, ...rest] = path.split("/");
  if (split === undefined || name !== "rows.jsonl" || rest.length > 0)
    throw malformed("dataset", path, "is not a split's rows.jsonl");
  return split;
}

async function readRows(files: ArtifactReader, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const lines of splitLines(files.stream(path)))
    for (const { bytes, number } of lines) {
      const row = parseRow(bytes);
      if (row === undefined) throw malformed("dataset", path, `has no valid row in line ${number}`);
      rows.push(row);
    }
  return rows;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseRow(bytes: Uint8Array): Row | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    return isRow(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value is a row. */
export function isRow(value: unknown): value is Row {
  if (typeof value !== "object" || value === null) return false;
  const row = value as Partial<Record<keyof Row, unknown>>;
  const { id, text, label, words, tags, completion, target, messages, question, columns } = row;
  return (
    typeof id === "string" &&
    typeof text === "string" &&
    [label, completion, target, question].every(
      (one) => one === undefined || typeof one === "string",
    ) &&
    (row.labels === undefined || isListOfTexts(row.labels)) &&
    (row.numbers === undefined || areNumbers(row.numbers)) &&
    (row.answers === undefined || areAnswers(row.answers)) &&
    (messages === undefined || (Array.isArray(messages) && messages.every(isMessage))) &&
    areTagged(words, tags) &&
    typeof columns === "object" &&
    columns !== null &&
    Object.values(columns).every((cell) => typeof cell === "string")
  );
}

function areTagged(words: unknown, tags: unknown): boolean {
  if (words === undefined && tags === undefined) return true;
  return isListOfTexts(words) && isListOfTexts(tags) && words.length === tags.length;
}

/** Whether a value is an object with a role and a content that are strings. */
export function isMessage(value: unknown): value is Message {
  const { role, content } = (value ?? {}) as Partial<Record<keyof Message, unknown>>;
  return typeof role === "string" && typeof content === "string";
}

/** Whether a value is an object of numbers. */
export function areNumbers(value: unknown): value is Readonly<Record<string, number>> {
  return typeof value === "object" && value !== null && Object.values(value).every(Number.isFinite);
}

/** Whether a value is an object with as many texts as places at which they begin. */
export function areAnswers(value: unknown): value is Answers {
  const { text, answer_start } = (value ?? {}) as Partial<Record<keyof Answers, unknown>>;
  if (!isListOfTexts(text) || !Array.isArray(answer_start)) return false;
  return answer_start.length === text.length && answer_start.every(Number.isSafeInteger);
}

/** Whether a value is a list of strings only. */
export function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
