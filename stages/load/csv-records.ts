import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, type Info, type Options, parse } from "csv-parse";
import { StageFailure } from "../../engine/diagnostic.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import { requireColumns } from "../missing-column.ts";
import { RECORD_LIMIT_BYTES, type RecordFile, recordTooLong, type SourceRecord } from "./record.ts";

/** The rows of a CSV file (RFC 4180: quoted cells may hold delimiters, line breaks and doubled quotes), first line its header. */
export function csvRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  return separatedRecords(file, { delimiter: file.delimiter });
}

/** The rows of a TSV file, first line its header. Quotes mean nothing: cells hold no tabs or line breaks. */
export function tsvRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  return separatedRecords(file, { delimiter: "\t", quote: false });
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: Info;
}

async function* separatedRecords(file: RecordFile, options: Options): AsyncGenerator<SourceRecord> {
  const parser = parse({
    ...options,
    info: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: RECORD_LIMIT_BYTES,
    relax_column_count: true,
  });
  const feeding = pipeline(Readable.from(file.bytes), parser);
  feeding.catch(() => {}); // the parser is destroyed with the same error, which the loop throws
  let header: Header | undefined;
  let blankLines = 0;
  let nextLine = 1;
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      const line = nextLine + info.empty_lines - blankLines;
      for (; blankLines < info.empty_lines; blankLines++) file.skippedBlankLine();
      nextLine = info.lines + 1;
      if (header === undefined) header = headerOf(file, record, line);
      else yield { line, cells: cellsOf(file, header, record, line) };
    }
  } catch (error) {
    throw error instanceof CsvError ? csvFailure(file.path, nextLine, error) : error;
  }
}

/** Column names in the file's order, and the positions of the cells in the order of the names. */
interface Header {
  readonly names: readonly string[];
  readonly sorted: readonly (readonly [string, number])[];
}

function headerOf({ path, columns }: RecordFile, names: readonly string[], line: number): Header {
  const sorted = names.map((name, at) => [name, at] as const);
  sorted.sort(([a], [b]) => byCodeUnit(a, b));
  for (let i = 1; i < sorted.length; i++)
    if (sorted[i]![0] === sorted[i - 1]![0])
      throw new StageFailure({
        code: "duplicate-column",
        message: `${path}:${line}: the header names the column "${sorted[i]![0]}" twice.`,
        hint: "give each column a name of its own",
      });
  requireColumns(`${path}:${line}`, names, columns);
  return { names, sorted };
}

function cellsOf({ path }: RecordFile, header: Header, record: readonly string[], line: number) {
  if (record.length !== header.names.length)
    throw new StageFailure({
      code: "ragged-row",
      message: `${path}:${line}: this row has ${cells(record.length)}, the header has ${header.names.length}.`,
      hint: "a cell that holds the delimiter must be in double quotes",
    });
  return header.sorted.map(([name, at]) => [name, record[at]!] as const);
}

function cells(count: number): string {
  return count === 1 ? "1 cell" : `${count} cells`;
}

/** `line` is where the row begins: where the parser gave up may be far below. */
function csvFailure(path: string, line: number, error: CsvError): StageFailure {
  switch (error.code) {
    case "CSV_MAX_RECORD_SIZE":
      return recordTooLong(path, line, "is a quote opened in it and never closed?");
    case "CSV_QUOTE_NOT_CLOSED":
      return new StageFailure({
        code: "unclosed-quote",
        message: `${path}:${line}: a quote opened in the row that begins here is never closed.`,
        hint: 'inside a quoted cell a double quote is written twice: ""',
      });
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
      return new StageFailure({
        code: "stray-quote",
        message: `${path}:${error.lines}: a double quote stands inside cell ${Number(error.column) + 1}.`,
        hint: 'a cell that holds a double quote must be in double quotes, and the quote inside it written twice: ""',
      });
    default:
      throw error;
  }
}
