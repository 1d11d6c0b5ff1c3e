import pc from "picocolors";
import type { Diagnostic, Range } from "./diagnostic.ts";
import { widthOf } from "./text-width.ts";

/** How diagnostics are drawn. */
export interface RenderOptions {
  readonly color?: boolean;
  /** Longest line of source shown, in columns; longer ones are cut around the range. */
  readonly columns?: number;
}

const MOST_SHOWN = 100;
const TAB = "  ";

/**
 * Diagnostics as text for a terminal, each with its source line, the range underlined, its hint and code; an empty
 * line between them, a line feed at the end. Ends with their number when there are several.
 */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: RenderOptions = {},
): string {
  const shown = diagnostics
    .slice(0, MOST_SHOWN)
    .map((diagnostic) => renderDiagnostic(diagnostic, options));
  const left = diagnostics.length - shown.length;
  if (left > 0) shown.push(`… and ${left} more\n`);
  if (diagnostics.length > 1) shown.push(`${diagnostics.length} errors\n`);
  return shown.join("\n");
}

/** One diagnostic as text, a line feed at the end. */
export function renderDiagnostic(
  diagnostic: Diagnostic,
  { color = false, columns = 120 }: RenderOptions = {},
): string {
  const { red, bold, cyan, dim } = pc.createColors(color);
  const { file, message, hint, code, range } = diagnostic;
  const { line, column, text, from, to } = locate(file.text, range);
  const number = String(line);
  const frame = frameOf(text, { start: from, end: to }, Math.max(20, columns - number.length - 7));
  const lines = [
    `${red("✘")} ${bold(`${visible(file.path)}:${line}:${column}`)} ${visible(message)}`,
    `${dim(`    ${number} |`)}${frame.source === "" ? "" : ` ${frame.source}`}`,
    `${dim(`    ${" ".repeat(number.length)} |`)} ${" ".repeat(frame.indent)}${red("~".repeat(frame.length))}`,
  ];
  if (hint !== undefined) lines.push(`    ${cyan("hint:")} ${visible(hint)}`);
  lines.push(`    ${dim(`code: ${code}`)}`);
  return `${lines.join("\n")}\n`;
}

interface Location {
  /** Both from 1; columns count characters, not bytes. */
  readonly line: number;
  readonly column: number;
  /** The line without its end; `from` and `to` are offsets into it. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Line, column and text of a range's beginning. A range that goes on over several lines is cut at the first. */
export function locate(text: string, { start, end }: Range): Location {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = text.indexOf("\n", start);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd).replace(/\r$/, "");
  const from = Math.min(start - lineStart, line.length);
  const before = text.slice(0, lineStart);
  return {
    line: before.split("\n").length,
    column: Array.from(line.slice(0, from)).length + 1,
    text: line,
    from,
    to: Math.max(from, Math.min(end - lineStart, line.length)),
  };
}

/** The source line, cut to a width around the range, and where the underline stands, in columns of the terminal. */
function frameOf(text: string, { start, end }: Range, width: number) {
  const marked = visible(text.slice(start, end));
  let before = visible(text.slice(0, start));
  let after = visible(text.slice(end));
  const length = Math.min(Math.max(1, widthOf(marked)), width - 2);
  if (widthOf(before) + length + widthOf(after) > width) {
    const room = width - length;
    before = keepEnd(before, Math.max(Math.floor(room / 2), room - widthOf(after)));
    after = keepStart(after, Math.max(0, room - widthOf(before)));
  }
  const source = `${before}${keepStart(marked, length)}${after}`.trimEnd();
  return { source, indent: widthOf(before), length };
}

function keepEnd(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = Array.from(text);
  let start = characters.length;
  let used = 1;
  while (start > 0 && used + widthOf(characters[start - 1] ?? "") <= width) {
    start -= 1;
    used += widthOf(characters[start] ?? "");
  }
  return `…${characters.slice(start).join("")}`;
}

function keepStart(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += widthOf(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Text that can change nothing on the terminal: tabs as spaces, control and direction characters by their number. */
function visible(text: string): string {
  return text
    .replaceAll("\t", TAB)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
      const isJoiner = character === "\u200d" || character === "\u200c";
      return isJoiner
        ? character
        : `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
    });
}
