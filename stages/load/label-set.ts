import { StageFailure } from "../../engine/diagnostic.ts";

/** The labels in a cell of a row, each once: a JSON list, or what the separator divides; an empty cell holds none. */
export function labelSet(
  place: string,
  cells: ReadonlyMap<string, string>,
  { column, separator }: { column: string; separator: string },
): readonly string[] {
  const cell = (cells.get(column) ?? "").trim();
  if (cell === "") return [];
  const items = cell.startsWith("[") ? parsedList(cell) : cell.split(separator);
  const isLabel = (item: unknown) =>
    (typeof item === "string" && item.trim() !== "") || Number.isSafeInteger(item);
  if (items?.every(isLabel)) return [...new Set(items.map((item) => String(item).trim()))];
  throw new StageFailure({
    code: "not-a-list-of-labels",
    message: `${place}: "${column}" is no list of labels: ${cell.slice(0, 60)}`,
    hint: `write a JSON list of strings that are not blank, ["games", "text"], or labels with "${separator}" between; an empty cell for none`,
  });
}

function parsedList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
