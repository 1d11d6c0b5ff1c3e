import { charactersOf, widthOf } from "../../engine/text-width.ts";

/** The text filled up with spaces to a width in columns; a longer one as it is. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** The text moved to the right edge of a width in columns; a longer one as it is. */
export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/** The text if it fits a width in columns, else as much as fits before an ellipsis. Never cuts through a character. */
export function cutTo(text: string, width: number, ellipsis: string): string {
  if (widthOf(text) <= width) return text;
  const room = width - widthOf(ellipsis);
  let cut = "";
  for (const character of charactersOf(text)) {
    if (widthOf(cut + character) > room) break;
    cut += character;
  }
  return room < 0 ? ellipsis.slice(0, Math.max(0, width)) : cut + ellipsis;
}

/** The text in lines of at most a width in columns, broken after `breakAfter`; a piece that is longer gets its own line. */
export function wrap(text: string, width: number, breakAfter = " "): readonly string[] {
  const lines: string[] = [];
  for (const piece of text.split(new RegExp(`(?<=${breakAfter})`))) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf((last + piece).trimEnd()) <= width)
      lines[lines.length - 1] = last + piece;
    else lines.push(piece);
  }
  return lines.map((line) => line.trimEnd());
}
