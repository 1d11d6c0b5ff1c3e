import { createRequire } from "node:module";
import type { Range } from "../diagnostic.ts";
import { failure, type Result, success } from "../result.ts";

/** Why a text is no TypeScript whose types can be taken away. */
export interface StripProblem {
  readonly message: string;
  readonly range: Range;
  /** It is TypeScript, but with something that has to be translated, such as an enum. */
  readonly isUnsupported: boolean;
}

/** What swc throws: a plain object. */
interface SwcError {
  readonly code: string;
  readonly message: string;
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** The text as JavaScript: types are replaced by white space, so that every offset, line and column stays. */
export function stripTypes(text: string): Result<string, StripProblem> {
  // A megabyte of WebAssembly: loaded only for stages in TypeScript.
  const require = createRequire(import.meta.url);
  const { transformSync } =
    require("@swc/wasm-typescript") as typeof import("@swc/wasm-typescript");
  try {
    return success(transformSync(text, { mode: "strip-only", module: true }).code);
  } catch (error) {
    if (isOverflow(error)) return failure({ ...TOO_DEEP, isUnsupported: false });
    if (!isSwcError(error)) throw error;
    const range = {
      start: offsetOf(text, error.startLine, error.startColumn),
      end: offsetOf(text, error.endLine, error.endColumn),
    };
    const isUnsupported = error.code === "UnsupportedSyntax";
    return failure({ message: firstSentence(error.message), range, isUnsupported });
  }
}

const TOO_DEEP = { message: "it is nested too deeply", range: { start: 0, end: 0 } };

/** Whether a parser ran out of stack, in JavaScript or in WebAssembly. */
export function isOverflow(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.name === "RuntimeError");
}

function isSwcError(error: unknown): error is SwcError {
  return typeof error === "object" && error !== null && "code" in error && "startLine" in error;
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let at = 1; at < line; at++) start = text.indexOf("\n", start) + 1;
  const end = text.indexOf("\n", start);
  return Math.min(start + column, end < 0 ? text.length : end);
}

/** Without the list of all that would have been possible. */
function firstSentence(message: string): string {
  return message.replace(/\. (Expected|Instead)[\s\S]*$/, "").replace(/\.$/, "");
}
