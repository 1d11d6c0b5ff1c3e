import { stripVTControlCharacters } from "node:util";

/** A text of unknown origin made safe for a terminal: escape sequences, control and bidirectional characters are gone; lines stay. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll("\t", "  ")
    .replace(/(?!\n)[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, "");
}

/** The same on one line: what came after the first line break follows a space. */
export function printableLine(text: string): string {
  return printable(text).replace(/\s*\n\s*/g, " ");
}
