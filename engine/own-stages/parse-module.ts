import { createRequire } from "node:module";
import type { Program } from "acorn";
import type { SourceText } from "../diagnostic.ts";
import type { Report } from "../pipeline/report.ts";
import { isOverflow, stripTypes } from "./strip-types.ts";

/** Whether a file's types are taken away before it is JavaScript. */
export function isTypeScript(path: string): boolean {
  return /\.m?ts$/.test(path);
}

/**
 * The syntax tree of a JavaScript or TypeScript module, without types; offsets are those of the text. Nothing is
 * executed. Reports what is no such syntax and gives undefined then.
 */
export function parseModule(file: SourceText, report: Report): Program | undefined {
  const code = isTypeScript(file.path) ? strip(file, report) : file.text;
  if (code === undefined) return undefined;
  const require = createRequire(import.meta.url);
  const { parse } = require("acorn") as typeof import("acorn");
  try {
    const ways = { sourceType: "module", allowHashBang: true } as const;
    return parse(code, { ecmaVersion: "latest", ...ways });
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isOverflow(error)) throw error;
    const { pos = 0 } = error as { pos?: number };
    const message = isOverflow(error)
      ? "it is nested too deeply"
      : (error as SyntaxError).message.replace(/ \(\d+:\d+\)$/, "");
    const place = { file, range: { start: pos, end: pos + 1 } };
    report({ code: "invalid-code", message: `This is no JavaScript: ${message}.`, place });
    return undefined;
  }
}

function strip(file: SourceText, report: Report): string | undefined {
  const stripped = stripTypes(file.text);
  if (stripped.ok) return stripped.value;
  const { message, range, isUnsupported } = stripped.error;
  report({
    code: "invalid-code",
    message: isUnsupported ? `${message}.` : `This is no TypeScript: ${message}.`,
    place: { file, range },
    hint: isUnsupported
      ? "types are taken away and nothing is translated: write what JavaScript has, too"
      : undefined,
  });
  return undefined;
}
