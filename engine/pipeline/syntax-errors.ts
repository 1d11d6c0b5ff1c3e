import type { ErrorCode, YAMLParseError } from "yaml";
import type { Range, SourceText } from "../diagnostic.ts";
import { findBracketMistake } from "./match-brackets.ts";
import { type Finding, quote } from "./report.ts";

/** After these `yaml` reads on as meant, so that later errors are errors of their own. */
const RECOVERABLE = new Set<ErrorCode>([
  "TAB_AS_INDENT",
  "BAD_DQ_ESCAPE",
  "BAD_SCALAR_START",
  "BLOCK_AS_IMPLICIT_KEY",
]);

interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly range?: Range;
}

/** What `yaml` says about a text, in words for its writer. What only follows from an earlier error is left out. */
export function explainSyntaxErrors(
  errors: readonly YAMLParseError[],
  file: SourceText,
): Finding[] {
  const sorted = [...errors].sort((a, b) => a.pos[0] - b.pos[0]);
  const findings: Finding[] = [];
  let lastLine = -1;
  for (const error of sorted) {
    const line = file.text.slice(0, error.pos[0]).split("\n").length;
    if (line > lastLine + 1 || findings.length === 0) {
      const { range, ...explanation } = explain(error, file.text);
      findings.push({
        ...explanation,
        place: { file, range: rangeWithin(file.text, range, error) },
      });
      lastLine = line;
    }
    if (!RECOVERABLE.has(error.code)) break;
  }
  return findings;
}

function explain(error: YAMLParseError, text: string): Explanation {
  switch (error.code) {
    case "TAB_AS_INDENT":
      return explainTab(error, text);
    case "MULTILINE_IMPLICIT_KEY":
    case "KEY_OVER_1024_CHARS":
      return explainMissingColon(error, text);
    case "BLOCK_AS_IMPLICIT_KEY":
      return explainSecondColon(error, text);
    case "BAD_SCALAR_START":
      return explainScalarStart(error, text);
    case "BAD_DQ_ESCAPE":
      return {
        code: "syntax",
        message: `${quote(text.slice(error.pos[0], error.pos[0] + 2))} is no escape sequence of a text in double quotes.`,
        hint: "use single quotes, or write each backslash twice",
      };
    case "BAD_INDENT":
      return explainIndent(error, text);
    case "MISSING_CHAR":
      return explainMissingCharacter(error, text);
    case "BLOCK_IN_FLOW":
      return {
        code: "syntax",
        message: "A comma is missing between two entries.",
        hint: 'write ", " between them',
      };
    default:
      return explainUnexpected(error, text);
  }
}

function explainScalarStart(error: YAMLParseError, text: string): Explanation {
  const [start] = error.pos;
  const value = /^[^\n,\]}#]*/.exec(text.slice(start, start + 200))?.[0].trimEnd() ?? "";
  const message = `A text cannot start with ${quote(text[start] ?? "")} unless it is in quotes.`;
  const range = { start, end: start + value.length };
  return { code: "syntax", message, hint: `write "${value}"`, range };
}

function explainTab(error: YAMLParseError, text: string): Explanation {
  const start = text.indexOf("\t", error.pos[0]);
  const message = "The line is indented with a tab; YAML takes only spaces.";
  return {
    code: "tab-indentation",
    message,
    hint: "write two spaces instead",
    range: { start, end: start + 1 },
  };
}

function explainMissingColon(error: YAMLParseError, text: string): Explanation {
  const line = lineAt(text, error.pos[0]);
  const start = text.indexOf(line.trim(), error.pos[0] - line.length);
  const range = { start, end: start + line.trim().length };
  if (/^(<{7}|={7}|>{7})/.test(line)) {
    const message = "A merge conflict is left in the file.";
    return { code: "merge-conflict", message, hint: "resolve it and delete the markers", range };
  }
  const message = `${quote(line.trim())} is no "key: value".`;
  const [key, value] = splitKey(line.trim());
  const hint = value === undefined ? `write "${key}:" or delete it` : `write "${key}: ${value}"`;
  return { code: "missing-colon", message, range, ...(key.length <= 60 && { hint }) };
}

/** `uses load`, `a:1` and `key =value` as key and value. */
function splitKey(line: string): [string, string?] {
  const parts = /^([\w-]+)\s*[:=\s]\s*(\S.*)$/.exec(line);
  return parts === null ? [line] : [parts[1] ?? "", parts[2] ?? ""];
}

function explainSecondColon(error: YAMLParseError, text: string): Explanation {
  const [start] = error.pos;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const before = text.slice(lineStart, start);
  const rest = lineAt(text, start).slice(start - lineStart);
  if (/:\s/.test(before) && /:(\s|$)/.test(rest)) {
    const message = 'A second ": " on one line: a value that holds ": " needs quotes.';
    const range = { start, end: start + rest.trimEnd().length };
    return {
      code: "second-colon",
      message,
      hint: `write "${rest.trimEnd()}" in quotes, or begin a new line`,
      range,
    };
  }
  const lineEnd = text.indexOf("\n", start) + 1;
  const next = lineEnd + (/^([^\S\n]*\n)*/.exec(text.slice(lineEnd))?.[0].length ?? 0);
  const indented = lineAt(text, next);
  const from = next + (indented.length - indented.trimStart().length);
  const range = { start: from, end: next + indented.trimEnd().length };
  const message = "The line is indented deeper than the line above, which already has a value.";
  return {
    code: "bad-indentation",
    message,
    hint: "begin it in the same column as the line above",
    range,
  };
}

function explainIndent(error: YAMLParseError, text: string): Explanation {
  if (error.message.startsWith("Flow ")) {
    return explainBrackets(text);
  }
  const lineStart = text.lastIndexOf("\n", error.pos[0]) + 1;
  const line = lineAt(text, error.pos[0]);
  const start = lineStart + (line.length - line.trimStart().length);
  const range = { start, end: lineStart + line.trimEnd().length };
  const message = "The line begins in another column than the entries it belongs to.";
  return { code: "bad-indentation", message, hint: "indent entries of one map alike", range };
}

function explainBrackets(text: string): Explanation {
  const { start, message, hint } = findBracketMistake(text);
  return { code: "unmatched-bracket", message, hint, range: { start, end: start + 1 } };
}

function explainMissingCharacter(error: YAMLParseError, text: string): Explanation {
  const quoteCharacter = /closing (["'])/.exec(error.message)?.[1];
  if (quoteCharacter !== undefined) {
    const start = openingQuote(text, quoteCharacter);
    const message = "The quote that begins here is never closed.";
    const range = { start, end: start + 1 };
    return {
      code: "unclosed-quote",
      message,
      hint: `write ${quoteCharacter} at the end of the text`,
      range,
    };
  }
  if (/end with|expected/.test(error.message)) return explainBrackets(text);
  return explainMissingColon(error, text);
}

/** The last quote character that begins a value: what follows it was taken as text. */
function openingQuote(text: string, character: string): number {
  const opening = new RegExp(`(^|[\\s,[{:-])(${character})`, "g");
  const found = [...text.matchAll(opening)].filter(
    (match) => !isClosedOnLine(text, match, character),
  );
  const match = found[0];
  return match === undefined ? text.lastIndexOf(character) : match.index + (match[1] ?? "").length;
}

function isClosedOnLine(text: string, match: RegExpMatchArray, character: string): boolean {
  const start = (match.index ?? 0) + (match[1] ?? "").length;
  const end = text.indexOf("\n", start);
  return text.slice(start + 1, end < 0 ? text.length : end).includes(character);
}

function explainUnexpected(error: YAMLParseError, text: string): Explanation {
  const line = lineAt(text, error.pos[0]);
  if (/\$\{[^{]/.test(line) && /[[{]/.test(line)) {
    const hint = 'inside { } and [ ], put it in quotes: "${vars.name}"';
    const start = text.lastIndexOf("${", error.pos[0]);
    const range = { start, end: text.indexOf("}", start) + 1 };
    const message = "A reference ${…} needs quotes here.";
    return { code: "unquoted-reference", message, hint, ...(start >= 0 && { range }) };
  }
  if (/^Unexpected flow-(seq|map)-end/.test(error.message)) return explainBrackets(text);
  if (error.message.startsWith("Block scalar header")) {
    const value = /[>|].*$/.exec(line)?.[0] ?? ">";
    const message = `A text cannot start with "${value[0]}" unless it is in quotes.`;
    return { code: "syntax", message, hint: `write "${value}"` };
  }
  if (error.code === "TAG_RESOLVE_FAILED") {
    return { code: "syntax", message: "The value does not fit its tag.", hint: "delete the tag" };
  }
  const message = `This does not belong here: ${quote(line.trim())}.`;
  const hint = /['"]/.test(line)
    ? "is a quote inside the text? use the other kind of quotes around it"
    : "is a bracket or a quote too many, or missing?";
  return { code: "syntax", message, hint };
}

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return text.slice(start, end < 0 ? text.length : end);
}

/** The explanation's own range where it found one in the text, else the error's. */
function rangeWithin(text: string, range: Range | undefined, error: YAMLParseError): Range {
  const isFound = range !== undefined && range.start >= 0 && range.end >= range.start;
  return isFound && range.end <= text.length ? range : rangeOf(error, text);
}

/** The error's range, cut at the end of its first line. */
function rangeOf(error: YAMLParseError, text: string): Range {
  const [start, end] = error.pos;
  const lineEnd = text.indexOf("\n", start);
  return { start, end: Math.max(start, lineEnd < 0 ? end : Math.min(end, lineEnd)) };
}
