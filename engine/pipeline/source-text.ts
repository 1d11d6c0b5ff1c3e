import type { SourceText } from "../diagnostic.ts";
import type { Report } from "./report.ts";

const MAX_BYTES = 1024 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\r(?!\n)|\p{Surrogate}/u;

/**
 * Bytes of a pipeline file as text, without a byte order mark. Reports a file that is too large, is not UTF-8 or
 * holds characters that YAML forbids; gives undefined then.
 */
export function decodeSource(
  path: string,
  bytes: Uint8Array,
  report: Report,
): SourceText | undefined {
  if (bytes.length > MAX_BYTES) {
    const file = { path, text: "" };
    const message = `The file has ${bytes.length} bytes; a pipeline file may have at most ${MAX_BYTES}.`;
    const hint = "keep data in files of their own and name them in the pipeline";
    report({ code: "file-too-large", message, place: { file, range: { start: 0, end: 0 } }, hint });
    return undefined;
  }
  const file = { path, text: new TextDecoder("utf-8").decode(bytes) };
  const isUtf16 = bytes.subarray(0, 2).includes(0) || (bytes[0] ?? 0) >= 0xfe;
  if (isUtf16 || !isUtf8(bytes)) {
    const start = Math.max(0, file.text.search(/[\ufffd\0]/));
    const message = "The file is not UTF-8 text: here is a byte that cannot be read.";
    const hint = `save the file as UTF-8${isUtf16 ? ": it looks like UTF-16" : ""}`;
    report({ code: "not-utf-8", message, place: { file, range: { start, end: start + 1 } }, hint });
    return undefined;
  }
  return hasOnlyText(file, report) ? file : undefined;
}

/** Whether a text is free of characters that YAML forbids; reports the first one. */
export function hasOnlyText(file: SourceText, report: Report): boolean {
  const found = FORBIDDEN.exec(file.text);
  if (found === null) return true;
  const point = found[0].codePointAt(0) ?? 0;
  const name = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  const place = { file, range: { start: found.index, end: found.index + 1 } };
  const message =
    found[0] === "\r"
      ? "A carriage return without a line feed ends no line in YAML."
      : `The character ${name} is not allowed in a pipeline file.`;
  const hint = found[0] === "\r" ? "save the file with LF or CRLF line ends" : "delete it";
  report({ code: "invalid-character", message, place, hint });
  return false;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
