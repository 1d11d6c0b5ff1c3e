import { StageFailure } from "../../engine/diagnostic.ts";
import { LineTooLong, splitLines } from "../artifacts/lines.ts";
import { RECORD_LIMIT_BYTES, type RecordFile, recordTooLong, type SourceRecord } from "./record.ts";

/**
 * The texts of a CoNLL file: one word a line, columns with white space between, the word first and its tag
 * last; a blank line ends a text. Lines with -DOCSTART- are left out. Cells: `tags` and `words`, JSON lists.
 * https://aclanthology.org/W03-0419/
 */
export async function* conllRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  let begin = 0;
  let [words, tags]: [string[], string[]] = [[], []];
  const taken = (): SourceRecord => {
    const record: SourceRecord = {
      line: begin,
      cells: [
        ["tags", JSON.stringify(tags)],
        ["words", JSON.stringify(words)],
      ],
    };
    [words, tags] = [[], []];
    return record;
  };
  for await (const { line, text } of linesOf(file)) {
    const columns = text.trim().split(/\s+/);
    const isWord = columns[0] !== "" && columns[0] !== "-DOCSTART-";
    if (!isWord) {
      file.skippedBlankLine();
      if (words.length > 0) yield taken();
      continue;
    }
    if (columns.length < 2) throw noTag(file.path, line, columns[0]!);
    if (words.length === 0) begin = line;
    words.push(columns[0]!);
    tags.push(columns.at(-1)!);
  }
  if (words.length > 0) yield taken();
}

async function* linesOf(file: RecordFile): AsyncGenerator<{ line: number; text: string }> {
  try {
    for await (const lines of splitLines(file.bytes, RECORD_LIMIT_BYTES))
      for (const { bytes, number } of lines)
        yield { line: number, text: Buffer.from(bytes).toString() };
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    throw recordTooLong(file.path, error.line, "is there really one word a line in this file?");
  }
}

function noTag(path: string, line: number, word: string): StageFailure {
  return new StageFailure({
    code: "word-without-tag",
    message: `${path}:${line}: the word "${word}" has no tag.`,
    hint: "each line is a word and its tag with white space between; a blank line ends a text",
  });
}
