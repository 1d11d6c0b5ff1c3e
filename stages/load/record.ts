import { StageFailure } from "../../engine/diagnostic.ts";
import type { Features } from "./dataset-features.ts";

/** A row as a file gives it. */
export interface SourceRecord {
  /** Where it begins in the file, 1 for the first line; in a file without lines the number of the row. */
  readonly line: number;
  /** Where a line would say little: its place in the file in other words. */
  readonly place?: string;
  /** Column names and cells, sorted by name in code units; without a cell the column is empty. */
  readonly cells: readonly (readonly [string, string | undefined])[];
}

/** A file to read records from. */
export interface RecordFile {
  /** As it is named in messages. */
  readonly path: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Columns that must be there. */
  readonly columns: readonly string[];
  /** The one of them that must hold a string, where there is one. */
  readonly textColumn?: string;
  /** What the dataset says of its columns, where the file itself says nothing. */
  readonly features?: Features;
  /** Between the cells of a CSV file. */
  readonly delimiter: string;
  /** Told of each line without content. */
  skippedBlankLine(): void;
}

/** No record may take more memory than this; a file without line breaks must not take the process down. */
export const RECORD_LIMIT_BYTES = 16 * 1024 * 1024;

/** The failure of a record beyond RECORD_LIMIT_BYTES. */
export function recordTooLong(path: string, line: number, hint: string): StageFailure {
  const mebibytes = RECORD_LIMIT_BYTES / 1024 / 1024;
  return new StageFailure({
    code: "record-too-long",
    message: `${path}:${line}: a row has more than ${mebibytes} MiB.`,
    hint,
  });
}
