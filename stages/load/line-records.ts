import { StageFailure } from "../../engine/diagnostic.ts";
import { LineTooLong, splitLines } from "../artifacts/lines.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import { requireColumns } from "../missing-column.ts";
import { RECORD_LIMIT_BYTES, type RecordFile, recordTooLong, type SourceRecord } from "./record.ts";

/** The rows of a text file: each line that is not blank is a text. */
export async function* textRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  for await (const { line, text } of textLines(file)) yield { line, cells: [["text", text]] };
}

/**
 * The rows of a JSON Lines file: an object a line. The text must be a string; numbers and booleans elsewhere become
 * strings, null an empty cell, lists and objects their JSON.
 */
export async function* jsonLinesRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  for await (const { line, text } of textLines(file)) {
    const fields = fieldsOf(file.path, line, text);
    const names = Object.keys(fields).sort(byCodeUnit);
    requireColumns(`${file.path}:${line}`, names, file.columns);
    const { textColumn } = file;
    const value = textColumn === undefined ? "" : fields[textColumn];
    if (typeof value !== "string")
      throw new StageFailure({
        code: "text-not-a-string",
        message: `${file.path}:${line}: "${textColumn}" is ${kindOf(value)}, not a string.`,
        hint: "every row needs a text; write it in double quotes",
      });
    const cells = names.map((name) => [name, cellOf(file.path, line, name, fields[name])] as const);
    yield { line, cells };
  }
}

async function* textLines(file: RecordFile): AsyncGenerator<{ line: number; text: string }> {
  try {
    for await (const lines of splitLines(file.bytes, RECORD_LIMIT_BYTES))
      for (const { bytes, number } of lines) {
        const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
        if (text.trim() === "") file.skippedBlankLine();
        else yield { line: number, text };
      }
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    throw recordTooLong(file.path, error.line, "is there really one row a line in this file?");
  }
}

function fieldsOf(path: string, line: number, text: string): { readonly [name: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StageFailure({
      code: "invalid-json",
      message: `${path}:${line}: this line is not JSON: ${(error as Error).message}.`,
      hint: 'each line must be one whole object, such as {"text": "…", "label": "…"}',
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as { readonly [name: string]: unknown };
  throw new StageFailure({
    code: "not-an-object",
    message: `${path}:${line}: this line is ${kindOf(value)}, not an object.`,
    hint: 'each line must be one whole object, such as {"text": "…", "label": "…"}',
  });
}

function cellOf(path: string, line: number, name: string, value: unknown): string | undefined {
  if (value === null) return undefined;
  if (typeof value === "object") return jsonOf(path, line, name, value);
  const cell = String(value);
  if (/\p{Surrogate}/u.test(cell))
    throw new StageFailure({
      code: "lone-surrogate",
      message: `${path}:${line}: "${name}" holds half of a surrogate pair, which is no character.`,
      hint: "the text was cut inside a \\u escape, or is not Unicode: write the file again from its source",
    });
  return cell;
}

/** A value may nest so deep that it can be parsed but not written. */
function jsonOf(path: string, line: number, name: string, value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StageFailure({
      code: "json-too-deep",
      message: `${path}:${line}: "${name}" is nested too deeply.`,
    });
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
