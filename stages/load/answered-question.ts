import { StageFailure } from "../../engine/diagnostic.ts";
import type { Answers, Row } from "../artifacts/dataset.ts";
import { codePointsOf } from "../code-points.ts";

/** Where a question and its answers come from. */
export interface AnswerColumns {
  readonly question: string;
  /** The column of both texts and starts, or a column for each. */
  readonly answers: readonly string[];
}

/** A question about the text in another cell of the row, and its answers; a StageFailure where one does not stand there. */
export function answeredQuestion(
  place: string,
  cells: ReadonlyMap<string, string>,
  { text: context, question, answers: columns }: AnswerColumns & { readonly text: string },
): Pick<Row, "text" | "question" | "answers"> {
  const cellOf = (column: string) => cells.get(column) ?? "";
  for (const [column, what] of [
    [context, "context"],
    [question, "question"],
  ] as const)
    if (cellOf(column).trim() === "")
      throw wrong(place, {
        code: `empty-${what}`,
        message: `"${column}" is empty, so the row has no ${what}`,
        hint: `give every row a ${what}, or take the row out of the file`,
      });
  const text = cellOf(context);
  const answers = answersIn(place, columns, cellOf);
  for (const [i, answer] of answers.text.entries())
    requireAnswer(place, text, { answer, start: answers.answer_start[i]! });
  return { text, question: cellOf(question), answers };
}

function answersIn(
  place: string,
  columns: readonly string[],
  cellOf: (column: string) => string,
): Answers {
  const [first, second] = columns;
  const both = second === undefined ? parsed(cellOf(first!)) : undefined;
  const { text, answer_start } = (both ?? {}) as Partial<Record<keyof Answers, unknown>>;
  const texts = second === undefined ? listOf(text) : listIn(cellOf(first!));
  const starts = second === undefined ? listOf(answer_start) : listIn(cellOf(second));
  const given = texts.map(String);
  const numbers = starts.map((start) => (start === "" ? Number.NaN : Number(start)));
  const isEmpty = given.every((one) => one === "");
  const isObject = second !== undefined || typeof both === "object" || cellOf(first!) === "";
  const fits =
    texts.every((one) => typeof one === "string" || typeof one === "number") &&
    given.length === numbers.length &&
    numbers.every((start) => Number.isSafeInteger(start) && start >= 0);
  if (isObject && isEmpty) return { text: [], answer_start: [] };
  if (isObject && fits) return { text: given, answer_start: numbers };
  throw wrong(place, {
    code: "not-answers",
    message: `"${columns.join('" and "')}" hold no answers with their starts`,
    hint: 'write {"text": ["Ada"], "answer_start": [17]}, as many starts as texts, each a whole number from 0; empty lists where there is no answer',
  });
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** A JSON list, or one text or number. */
function listIn(cell: string): readonly unknown[] {
  if (cell === "") return [];
  const list = cell.trim().startsWith("[") ? parsed(cell) : undefined;
  return Array.isArray(list) ? list : [cell];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function requireAnswer(
  place: string,
  context: string,
  { answer, start }: { answer: string; start: number },
): void {
  const characters = codePointsOf(context);
  const begin = characters.toCodeUnit(start);
  if (answer !== "" && begin !== undefined && context.startsWith(answer, begin)) return;
  const shown = answer.length > 60 ? `${answer.slice(0, 60)}…` : answer;
  if (begin === undefined || start + codePointsOf(answer).count > characters.count)
    throw wrong(place, {
      code: "answer-outside-context",
      message: `the answer "${shown}" at character ${start} ends outside the context of ${characters.count}`,
      hint: "answer_start counts characters of the context from 0",
    });
  const found = answer === "" ? -1 : context.indexOf(answer);
  throw wrong(place, {
    code: "answer-not-there",
    message: `the answer "${shown}" does not stand at character ${start} of the context`,
    hint:
      found < 0
        ? "it stands nowhere in the context: an answer must be a stretch of it, letter by letter"
        : `it stands at character ${codePointsOf(context.slice(0, found)).count}; answer_start counts characters from 0`,
  });
}

function wrong(
  place: string,
  { message, ...problem }: { code: string; message: string; hint: string },
): StageFailure {
  return new StageFailure({ ...problem, message: `${place}: ${message}.` });
}
