import { StageFailure } from "../../engine/diagnostic.ts";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const LARGEST = 3.4e38; // of float32, in which models compute

/** The numbers in these cells of a row, by the names of their columns. */
export function rowNumbers(
  place: string,
  cells: ReadonlyMap<string, string>,
  columns: readonly string[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    columns.map((column) => {
      const cell = (cells.get(column) ?? "").trim();
      const value = Number(cell);
      if (NUMBER.test(cell) && Math.abs(value) <= LARGEST) return [column, value];
      const what = cell === "" ? "is empty" : `is no number: ${cell.slice(0, 60)}`;
      throw new StageFailure({
        code: "not-a-number",
        message: `${place}: "${column}" ${what}.`,
        hint: "write a decimal number such as 3.5 or -1e-3, with a point and no thousands separators",
      });
    }),
  );
}
