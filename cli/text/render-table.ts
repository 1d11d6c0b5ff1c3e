import { widthOf } from "../../engine/text-width.ts";
import { cutTo, padEnd, padStart, wrap } from "./display-width.ts";

/**
 * A column of a table. Where there is no room, the last one wraps, or stands below the others if it is not
 * right-aligned; then those that shrink are cut.
 */
export interface Column {
  readonly title: string;
  readonly align?: "right";
  readonly shrinks?: true;
  /** Where the last column may be broken; a space, if nothing else is said. */
  readonly breakAfter?: ", ";
}

/** A cell: its text, and perhaps how it is coloured. */
export type Cell = string | { readonly text: string; paint(text: string): string };

/** How much room there is, and what marks cut texts. */
export interface TableStyle {
  /** Columns of the terminal. */
  readonly width: number;
  readonly ellipsis: string;
  /** Colours the titles. */
  paintTitle(text: string): string;
}

type Row = readonly Cell[];

const GAP = 2;
const LEAST_SHRUNK = 8;
const LEAST_LAST = 16;

/** Rows under titles, in aligned columns, one line break after each line. A column without any text is left out. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly Row[],
  style: TableStyle,
): string {
  const used = columns
    .map((_, index) => index)
    .filter((index) => rows.some((row) => textOf(row[index]) !== ""));
  if (used.length === 0) return "";
  const shown = used.map((index) => columns[index]!);
  const cells = rows.map((row) => used.map((index) => row[index] ?? ""));
  const title = shown.map((column) => ({ text: column.title, paint: style.paintTitle }));
  const widths = shown.map(({ title: of }, index) =>
    Math.max(widthOf(of), ...cells.map((row) => widthOf(textOf(row[index])))),
  );
  const last = shown.at(-1);
  const room = style.width - totalOf(widths.slice(0, -1)) - GAP;
  const isStacked =
    shown.length > 1 && last?.align !== "right" && room < Math.min(LEAST_LAST, widths.at(-1)!);
  return isStacked
    ? renderStacked(shown, [title, ...cells], widths, style)
    : renderFlat(shown, [title, ...cells], fit(shown, widths, style.width), style);
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === "object" ? cell.text : (cell ?? "");
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * Math.max(0, widths.length - 1));
}

/** Widths that fit, as far as columns give way: the last one first. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const last = widths.length - 1;
  if (last > 0 && columns[last]!.align !== "right") reduce(widths, last, LEAST_LAST, width);
  shrink(columns, widths, width);
  return widths;
}

function shrink(columns: readonly Column[], widths: number[], width: number): void {
  for (const index of widths.keys())
    if (columns[index]!.shrinks) reduce(widths, index, LEAST_SHRUNK, width);
}

function reduce(widths: number[], index: number, least: number, width: number): void {
  const over = totalOf(widths) - width;
  const natural = widths[index]!;
  if (over > 0) widths[index] = Math.max(Math.min(least, natural), natural - over);
}

function renderFlat(
  columns: readonly Column[],
  rows: readonly Row[],
  widths: readonly number[],
  { ellipsis }: TableStyle,
): string {
  const last = columns.length - 1;
  const indent = " ".repeat(totalOf(widths.slice(0, last)) + (last > 0 ? GAP : 0));
  return rows
    .flatMap((row) => {
      const head = renderHead(columns, row.slice(0, last), widths, ellipsis);
      const lines = wrap(textOf(row[last]), widths[last]!, columns[last]!.breakAfter);
      const isRight = columns[last]!.align === "right";
      return lines.map(
        (line, index) =>
          (index === 0 ? head : indent) +
          paint(row[last], isRight ? padStart(line, widths[last]!) : line),
      );
    })
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** The last column below the others, indented: a narrow terminal has no room beside them. */
function renderStacked(
  columns: readonly Column[],
  rows: readonly Row[],
  natural: readonly number[],
  { width, ellipsis }: TableStyle,
): string {
  const last = columns.length - 1;
  const widths = natural.slice(0, last);
  shrink(columns, widths, width);
  return rows
    .flatMap((row, index) => {
      const head = renderHead(columns, row.slice(0, last), widths, ellipsis);
      const below = index === 0 ? "" : textOf(row[last]);
      if (below === "") return [head];
      const lines = wrap(below, width - GAP, columns[last]!.breakAfter);
      return [head, ...lines.map((line) => " ".repeat(GAP) + paint(row[last], line))];
    })
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function renderHead(
  columns: readonly Column[],
  cells: Row,
  widths: readonly number[],
  ellipsis: string,
): string {
  return cells
    .map((cell, index) => {
      const text = cutTo(textOf(cell), widths[index]!, ellipsis);
      const pad = columns[index]!.align === "right" ? padStart : padEnd;
      return paint(cell, pad(text, widths[index]!)) + " ".repeat(GAP);
    })
    .join("");
}

function paint(cell: Cell | undefined, text: string): string {
  return typeof cell === "object" && text !== "" ? cell.paint(text) : text;
}
