import type { Row } from "../artifacts/dataset.ts";
import { type AnswerColumns, answeredQuestion } from "./answered-question.ts";
import { conversation } from "./conversation.ts";
import { labelSet } from "./label-set.ts";
import type { Format, LoadParams } from "./load-params.ts";
import type { SourceRecord } from "./record.ts";
import { rowNumbers } from "./row-numbers.ts";
import { type TagColumns, taggedWords } from "./tagged-words.ts";
import { type AnswerColumn, writtenPair } from "./written-pair.ts";

/** The columns that become a row's own fields. */
export interface RowColumns {
  /** Of no meaning with `tagged` and `messages`. */
  readonly text: string;
  readonly label?: string | undefined;
  readonly labels?: { readonly column: string; readonly separator: string } | undefined;
  readonly numbers?: readonly string[] | undefined;
  readonly id?: string | undefined;
  readonly tagged?: TagColumns | undefined;
  /** What is to be written after the text, or for it. */
  readonly answer?: AnswerColumn | undefined;
  readonly messages?: string | undefined;
  /** The text is then the context of the question. */
  readonly question?: AnswerColumns | undefined;
}

/** A row before it has its id: `id` is what the id column holds. */
export type RowWithoutId = Omit<Row, "id"> & { readonly id: string | undefined };

/** The columns that a file of the format is read by. */
export function rowColumns(format: Format, params: LoadParams): RowColumns {
  const { label, id, words, tags, tag_names: names, messages } = params;
  if (format === "txt") return { text: "text" };
  if (format === "squad")
    return {
      text: "context",
      id: "id",
      question: { question: "question", answers: ["answers.text", "answers.answer_start"] },
    };
  const text = params.prompt ?? params.source ?? params.context ?? params.text;
  if (format === "conll") return { text, tagged: { words: "words", tags: "tags", names } };
  const { completion, target } = params;
  const answer: AnswerColumn | undefined =
    completion !== undefined
      ? { field: "completion", column: completion }
      : target !== undefined
        ? { field: "target", column: target }
        : undefined;
  return {
    text,
    label,
    ...targetColumns(params),
    id,
    answer,
    messages,
    ...questionColumns(params),
    ...(words && tags && { tagged: { words, tags, names } }),
  };
}

function targetColumns(params: LoadParams): Pick<RowColumns, "labels" | "numbers"> {
  const { labels, label_separator: separator = ",", numbers } = params;
  return {
    ...(labels !== undefined && { labels: { column: labels, separator } }),
    ...(numbers !== undefined && { numbers: [numbers].flat() }),
  };
}

function questionColumns({ question, answers }: LoadParams): Pick<RowColumns, "question"> {
  if (question === undefined || answers === undefined) return {};
  return { question: { question, answers: [answers].flat() } };
}

/** The names of the columns that must be there. */
export function wantedColumns(columns: RowColumns): readonly string[] {
  const { label, labels, numbers = [], id, answer, question } = columns;
  const asked = question ? [question.question, ...question.answers] : [];
  const all = [...contentColumns(columns), answer?.column, ...asked, label, labels?.column, id];
  return [...all, ...numbers].filter((column) => column !== undefined);
}

/** The column that must hold a string, where the text is read from one. */
export function textColumn({ text, tagged, messages }: RowColumns): string | undefined {
  return tagged === undefined && messages === undefined ? text : undefined;
}

function contentColumns({ text, tagged, messages }: RowColumns): readonly string[] {
  if (tagged) return [tagged.words, tagged.tags];
  return [messages ?? text];
}

/** A record as a row; a StageFailure at `place`, `file:line`, where its cells do not fit together. */
export function rowOf({ cells }: SourceRecord, columns: RowColumns, place: string): RowWithoutId {
  const all = new Map(cells.map(([name, cell = ""]) => [name, cell]));
  const { label, labels, numbers, id } = columns;
  const taken = wantedColumns(columns);
  return {
    id: id === undefined ? undefined : all.get(id),
    ...contentOf(all, columns, place),
    ...(label !== undefined && { label: all.get(label)! }),
    ...(labels && { labels: labelSet(place, all, labels) }),
    ...(numbers && { numbers: rowNumbers(place, all, numbers) }),
    // fromEntries makes own properties even of names like "__proto__"
    columns: Object.fromEntries([...all].filter(([name]) => !taken.includes(name))),
  };
}

function contentOf(
  cells: ReadonlyMap<string, string>,
  { text, tagged, answer, messages, question }: RowColumns,
  place: string,
): Omit<Row, "id" | "label" | "labels" | "numbers" | "columns"> {
  if (tagged !== undefined) {
    const { words, tags } = taggedWords(place, cells, tagged);
    return { text: words.join(" "), words, tags };
  }
  if (messages !== undefined) return conversation(place, cells, messages);
  if (answer !== undefined) return writtenPair(place, cells, { text, ...answer });
  if (question !== undefined) return answeredQuestion(place, cells, { text, ...question });
  return { text: cells.get(text)! };
}
