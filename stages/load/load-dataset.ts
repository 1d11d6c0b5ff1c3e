import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPorts, Json, StageContext } from "../../engine/stage.ts";
import type { Dataset, Row } from "../artifacts/dataset.ts";
import { ContentIds } from "../content-ids.ts";
import { checkedUtf8 } from "./checked-utf8.ts";
import { conllRecords } from "./conll-records.ts";
import { csvRecords, tsvRecords } from "./csv-records.ts";
import type { Features } from "./dataset-features.ts";
import { jsonLinesRecords, textRecords } from "./line-records.ts";
import { type Format, formatOf, type LoadParams, type SplitFile } from "./load-params.ts";
import { type FileReport, loadReport } from "./load-report.ts";
import { parquetRecords } from "./parquet-records.ts";
import type { RecordFile, SourceRecord } from "./record.ts";
import { type RowWithoutId, rowColumns, rowOf, textColumn, wantedColumns } from "./row-columns.ts";
import { squadRecords } from "./squad-records.ts";

const READERS: { readonly [F in Format]: (file: RecordFile) => AsyncIterable<SourceRecord> } = {
  csv: csvRecords,
  tsv: tsvRecords,
  jsonl: jsonLinesRecords,
  txt: textRecords,
  conll: conllRecords,
  squad: squadRecords,
  parquet: parquetRecords,
};

/** A file to read; without a format its extension or `with` says it. */
type DataFile = Pick<SplitFile, "split" | "path"> & { readonly format?: Format };

/** Reads the files in their order into a dataset, with a report of what was read. */
export async function loadDataset(
  context: Pick<StageContext<LoadParams, InputPorts>, "params" | "signal" | "progress" | "metric">,
  files: readonly DataFile[],
  features?: Features,
): Promise<{ dataset: Dataset; report: Json }> {
  const splits = new Map<string, Row[]>();
  const ids = new Map<string, RowIds>();
  const reports: FileReport[] = [];
  for (const [done, file] of files.entries()) {
    context.progress({ done, total: files.length, unit: "files" });
    const rows = splits.get(file.split) ?? [];
    const splitIds = ids.get(file.split) ?? new RowIds();
    splits.set(file.split, rows);
    ids.set(file.split, splitIds);
    reports.push(await loadFile(context, { ...file, features }, rows, splitIds));
  }
  const report = loadReport(splits, reports);
  context.metric("rows", report.rows);
  if (context.params.label !== undefined || context.params.labels !== undefined)
    context.metric("labels", Object.keys(report.labels).length);
  if (report.questions) context.metric("without_answer", report.questions.without_answer);
  return { dataset: { splits }, report };
}

async function loadFile(
  { params, signal }: Pick<StageContext<LoadParams, InputPorts>, "params" | "signal">,
  { path, split, features, ...given }: DataFile & { readonly features: Features | undefined },
  rows: Row[],
  ids: RowIds,
): Promise<FileReport> {
  const format = given.format ?? formatOf(path, params);
  if (format === undefined || format === "folder")
    throw new Error(`internal: ${path} passed the check without a format`);
  const { delimiter = ",", label } = params;
  const columns = rowColumns(format, params);
  const text = textColumn(columns);
  const before = rows.length;
  let blankLines = 0;
  const unlabelled: number[] = [];
  const file: RecordFile = {
    path,
    bytes: checkedUtf8(bytesOf(path, signal), path),
    columns: wantedColumns(columns),
    ...(text !== undefined && { textColumn: text }),
    ...(features && { features }),
    delimiter,
    skippedBlankLine: () => blankLines++,
  };
  for await (const record of READERS[format](file)) {
    const place = `${path}:${record.place ?? record.line}`;
    const row = rowOf(record, columns, place);
    if (label !== undefined && !row.label) unlabelled.push(record.line);
    rows.push({ ...row, id: ids.take(row, place) });
  }
  if (rows.length === before) throw await noRows(path);
  if (unlabelled.length > 0) throw emptyLabels(path, unlabelled);
  return { split, format, rows: rows.length - before, blank_lines_skipped: blankLines };
}

async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** Gives out the ids of one split. */
class RowIds {
  readonly #lines = new Map<string, string>();
  readonly #content = new ContentIds();

  /** The id column's cell, which must be unique; without one a digest of the row's content, `-2`, `-3` added for repeats. */
  take(row: RowWithoutId, place: string): string {
    if (row.id === undefined) return this.#content.take(row);
    const first = this.#lines.get(row.id);
    if (row.id === "" || first !== undefined) throw badId(place, row.id, first);
    this.#lines.set(row.id, place);
    return row.id;
  }
}

function badId(place: string, id: string, first: string | undefined): StageFailure {
  if (first === undefined)
    return new StageFailure({
      code: "empty-id",
      message: `${place}: the id is empty.`,
      hint: "fill it in, or leave out `id`: ids are then made from the rows' content",
    });
  return new StageFailure({
    code: "duplicate-id",
    message: `${place}: the id "${id}" was already given at ${first}.`,
    hint: "make ids unique, or leave out `id`: ids are then made from the rows' content",
  });
}

function emptyLabels(path: string, lines: readonly number[]): StageFailure {
  const rows = lines.length === 1 ? "1 row has" : `${lines.length} rows have`;
  return new StageFailure({
    code: "empty-label",
    message: `${path}:${lines[0]}: ${rows} no label, this one first.`,
    hint: "give every row a label, or take those rows out of the file",
  });
}

async function noRows(path: string): Promise<StageFailure> {
  const { size } = await stat(path);
  return new StageFailure({
    code: "no-rows",
    message: size === 0 ? `${path}: the file is empty.` : `${path}: the file has no rows.`,
    hint: "a csv or tsv file needs a header and at least one row; other files at least one line",
  });
}
