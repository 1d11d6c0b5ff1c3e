import { cutTo, padEnd, padStart, widthOf, wrap } from "./display-width.ts";

/** A column of a table. The last one wraps where it does not fit; one that `shrinks` is cut before. */
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

const GAP = 2;
const LEAST_SHRUNK = 8;
const LEAST_LAST = 16;

/** Rows under titles, in aligned columns, one line break after each line. A column without any text is left out. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle,
): string {
  const used = columns.map((_, index) => index).filter((index) => hasText(rows, index));
  const shown = used.map((index) => columns[index]!);
  const cells = rows.map((row) => used.map((index) => row[index] ?? ""));
  const widths = fitWidths(shown, cells, style.width);
  const title = shown.map((column) => ({ text: column.title, paint: style.paintTitle }));
  return [title, ...cells].map((row) => renderRow(row, shown, widths, style.ellipsis)).join("");
}

function hasText(rows: readonly (readonly Cell[])[], index: number): boolean {
  return rows.some((row) => textOf(row[index] ?? "") !== "");
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

function fitWidths(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly number[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(textOf(row[index]!)))),
  );
  const excess = () => widths.reduce((sum, each) => sum + each, GAP * (widths.length - 1)) - width;
  const last = widths.length - 1;
  const reduce = (index: number, least: number) => {
    const over = excess();
    if (over > 0) widths[index] = Math.max(Math.min(least, widths[index]!), widths[index]! - over);
  };
  if (last > 0) reduce(last, LEAST_LAST);
  columns.forEach(({ shrinks }, index) => {
    if (shrinks && index < last) reduce(index, LEAST_SHRUNK);
  });
  return widths;
}

function renderRow(
  row: readonly Cell[],
  columns: readonly Column[],
  widths: readonly number[],
  ellipsis: string,
): string {
  const last = columns.length - 1;
  const ending = wrap(textOf(row[last]!), widths[last]!, columns[last]!.breakAfter);
  const head = row.slice(0, last).map((cell, index) => {
    const text = cutTo(textOf(cell), widths[index]!, ellipsis);
    const padded = (columns[index]!.align === "right" ? padStart : padEnd)(text, widths[index]!);
    return paint(cell, padded) + " ".repeat(GAP);
  });
  const indent = " ".repeat(widths.slice(0, last).reduce((sum, each) => sum + each + GAP, 0));
  const align = (text: string) =>
    columns[last]!.align === "right" ? padStart(text, widths[last]!) : text;
  const lines = ending.map(
    (line, index) => (index === 0 ? head.join("") : indent) + paint(row[last]!, align(line)),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function paint(cell: Cell, text: string): string {
  return typeof cell === "string" || text === "" ? text : cell.paint(text);
}
