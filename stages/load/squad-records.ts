import { StageFailure } from "../../engine/diagnostic.ts";
import type { RecordFile, SourceRecord } from "./record.ts";

/** A file of questions is one JSON value: it must fit in memory. */
const LIMIT_BYTES = 256 * 1024 * 1024;

/**
 * The questions of a file as SQuAD 1.1 and 2.0 are published: `data`, a list of articles with `paragraphs`, each with a
 * `context` and `qas`. Cells: id, title, context, question, `answers.text` and `answers.answer_start`, JSON lists.
 * Answers of a question that `is_impossible` are none. https://rajpurkar.github.io/SQuAD-explorer/
 */
export async function* squadRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  const { data } = await readObject(file);
  for (const [a, article] of listAt(file, data, "data").entries()) {
    const at = `data[${a}]`;
    const { title, paragraphs } = objectAt(file, article, at);
    for (const [p, paragraph] of listAt(file, paragraphs, `${at}.paragraphs`).entries()) {
      const { context, qas } = objectAt(file, paragraph, `${at}.paragraphs[${p}]`);
      const list = `${at}.paragraphs[${p}].qas`;
      for (const [q, qa] of listAt(file, qas, list).entries())
        yield recordOf(file, objectAt(file, qa, `${list}[${q}]`), {
          place: `${list}[${q}]`,
          title: title ?? "",
          context,
        });
    }
  }
}

type Fields = Readonly<Record<string, unknown>>;

function recordOf(
  file: RecordFile,
  { id, question, answers = [], is_impossible = false }: Fields,
  { place, title, context }: { place: string; title: unknown; context: unknown },
): SourceRecord {
  const given = is_impossible === true ? [] : listAt(file, answers, `${place}.answers`);
  const each = given.map((answer, i) => objectAt(file, answer, `${place}.answers[${i}]`));
  const cell = (name: string, value: unknown) => {
    if (typeof value === "string") return value;
    throw wrong(file, `${place}: "${name}" is not a text`);
  };
  return {
    line: 1,
    place,
    cells: [
      ["answers.answer_start", JSON.stringify(each.map(({ answer_start }) => answer_start))],
      ["answers.text", JSON.stringify(each.map(({ text }) => text))],
      ["context", cell("context", context)],
      ["id", cell("id", id)],
      ["question", cell("question", question)],
      ["title", cell("title", title)],
    ],
  };
}

async function readObject(file: RecordFile): Promise<Fields> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of file.bytes) {
    bytes += chunk.byteLength;
    if (bytes > LIMIT_BYTES) throw wrong(file, "it has more than 256 MiB");
    chunks.push(chunk);
  }
  try {
    return objectAt(file, JSON.parse(Buffer.concat(chunks).toString()), "the file");
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(file, `it is not JSON: ${error.message}`);
    throw error;
  }
}

function listAt(file: RecordFile, value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(file, `${place} is not a list`);
}

function objectAt(file: RecordFile, value: unknown, place: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(file, `${place} is not an object`);
}

function wrong({ path }: RecordFile, message: string): StageFailure {
  return new StageFailure({
    code: "not-squad",
    message: `${path}: ${message}.`,
    hint: 'expected {"data": [{"title": …, "paragraphs": [{"context": …, "qas": [{"id": …, "question": …, "answers": [{"text": …, "answer_start": …}]}]}]}]}; for rows of JSON, one a line, set format: jsonl',
  });
}
