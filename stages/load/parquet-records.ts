import { stat } from "node:fs/promises";
import { type ColumnChunk, type FileMetaData, parquetSchema, type SchemaTree } from "hyparquet";
import { StageFailure } from "../../engine/diagnostic.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import { requireColumns } from "../missing-column.ts";
import { type Features, featuresOfJson, withNames } from "./dataset-features.ts";
import { ParquetReader } from "./parquet-reader.ts";
import type { RecordFile, SourceRecord } from "./record.ts";

/**
 * The rows of a Parquet file; `line` is the number of the row. The text must be a string; other values become strings
 * as in JSON Lines, times ISO 8601, and labels of datasets' ClassLabel their names. Bytes that are no UTF-8 are left
 * out, but in a column that is wanted a StageFailure.
 */
export async function* parquetRecords(file: RecordFile): AsyncGenerator<SourceRecord> {
  const { size } = await stat(file.path);
  const reader = new ParquetReader(file.path);
  try {
    const metadata = await orBroken(file.path, "it", () => reader.metadata());
    await orBroken(file.path, "it", () => requireConsistent(metadata, size));
    const columns = columnsOf(file, metadata);
    let line = 1;
    for (const { num_rows, columns: chunks } of metadata.row_groups) {
      const end = line + Number(num_rows);
      const range = { rowStart: line - 1, rowEnd: end - 1 };
      const bytes = chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0);
      const what = `the rows ${line} to ${end - 1}`;
      const rows = await orBroken(file.path, what, () => reader.rows(range, bytes));
      if (rows.length !== end - line) throw broken(file.path, what, "there are fewer");
      for (const row of rows) {
        yield { line, cells: columns.map((column) => cellOf(file, column, row, line)) };
        line++;
      }
    }
  } finally {
    await reader.close();
  }
}

/** In the file. */
function sizeOf({ meta_data: facts }: ColumnChunk): number {
  return Number(facts!.total_compressed_size);
}

/** What the reader relies on; of the rest of a damaged file it says itself what is wrong. */
function requireConsistent(metadata: FileMetaData, size: number): void {
  const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + num_rows, 0n);
  if (rows !== metadata.num_rows || metadata.row_groups.some(({ num_rows }) => num_rows < 0n))
    throw new RangeError("its row groups do not have its rows");
  const leaves = leavesOf(parquetSchema(metadata)).map((path) => JSON.stringify(path));
  for (const { columns } of metadata.row_groups) {
    const paths = columns.map(({ meta_data: facts }) => JSON.stringify(facts?.path_in_schema));
    if (paths.join() !== leaves.join()) throw new RangeError("its columns are not its schema's");
    for (const { file_path: other, meta_data: facts } of columns) {
      if (other !== undefined) throw new RangeError("its columns lie in other files");
      const [begin, length] = [
        Number(facts!.data_page_offset),
        Number(facts!.total_compressed_size),
      ];
      if (!(begin >= 4 && length >= 0 && begin <= size && length <= size))
        throw new RangeError("its columns lie outside of it");
    }
  }
}

function leavesOf({ children, path }: SchemaTree): readonly (readonly string[])[] {
  return children.length === 0 ? [path] : children.flatMap(leavesOf);
}

/** A column: its place in a row as it is read. */
interface Column {
  readonly name: string;
  readonly at: number;
  readonly isWanted: boolean;
  readonly features: Features;
}

function columnsOf(file: RecordFile, metadata: FileMetaData): readonly Column[] {
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  if (new Set(names).size < names.length)
    throw broken(file.path, "it", "two of its columns have one name");
  requireColumns(file.path, names, file.columns);
  const features = featuresIn(metadata) ?? file.features ?? new Map();
  const columns = names.map((name, at) => {
    return { name, at, isWanted: file.columns.includes(name), features };
  });
  return columns.sort((a, b) => byCodeUnit(a.name, b.name));
}

function featuresIn({ key_value_metadata: entries = [] }: FileMetaData): Features | undefined {
  const { value } = entries.find(({ key }) => key === "huggingface") ?? {};
  if (value === undefined) return undefined;
  try {
    return featuresOfJson((JSON.parse(value) as { info?: { features?: unknown } }).info?.features);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function cellOf(
  { path, textColumn }: RecordFile,
  { name, at, isWanted, features }: Column,
  row: readonly unknown[],
  line: number,
): readonly [string, string | undefined] {
  const value = withNames(row[at], features.get(name));
  const place = `${path}:${line}`;
  if (name === textColumn && !(value instanceof Uint8Array))
    throw new StageFailure({
      code: "text-not-a-string",
      message: `${place}: "${name}" is ${kindOf(value)}, not a string.`,
      hint: "every row needs a text; name the column that holds it as `text`",
    });
  try {
    return [name, value === null || value === undefined ? undefined : textOf(value)];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    if (!isWanted) return [name, undefined];
    throw new StageFailure({
      code: "not-utf-8",
      message: `${place}: "${name}" holds bytes that are not UTF-8.`,
      hint: "write the column again as texts",
    });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A TypeError for bytes that are no text. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return utf8.decode(value);
  return typeof value === "object" ? JSON.stringify(plain(value)) : String(value);
}

/** What JSON can hold of a value. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return utf8.decode(value);
  if (typeof value === "bigint")
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "bigint") return "a number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Whatever the reader stumbles over in the bytes of a stranger is told as a StageFailure. */
async function orBroken<T>(path: string, what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) throw broken(path, what, error.message);
    throw error;
  }
}

function broken(path: string, what: string, why: string): StageFailure {
  return new StageFailure({
    code: "broken-parquet",
    message: `${path}: ${what} cannot be read as Parquet: ${why}.`,
    hint: "the file is damaged, or of another kind: write it again from its source",
  });
}
