import type { Diagnostic } from "../diagnostic.ts";
import type { Place } from "./source-node.ts";

/** What a check found wrong, and where. */
export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly place: Place;
  /** A function where finding the hint takes time: it is called for the first findings only. */
  readonly hint?: string | (() => string | undefined) | undefined;
}

const MOST_COSTLY_HINTS = 100;

/** Takes what a check found wrong; checks go on after reporting. */
export type Report = (finding: Finding) => void;

/** A `Report` that adds to a list of diagnostics. */
export function reportTo(diagnostics: Diagnostic[]): Report {
  return ({ code, message, place, hint }) => {
    const diagnostic = { code, message, file: place.file, range: place.range };
    const isCostly = typeof hint === "function";
    const text =
      isCostly && diagnostics.length > MOST_COSTLY_HINTS ? undefined : isCostly ? hint() : hint;
    diagnostics.push(text === undefined ? diagnostic : { ...diagnostic, hint: text });
  };
}

/** Text in double quotes, shortened in the middle when it is long. */
export function quote(text: string): string {
  const characters = Array.from(
    text.length > 400 ? `${text.slice(0, 200)}${text.slice(-200)}` : text,
  );
  const shown =
    characters.length <= 60 && text.length <= 400
      ? text
      : `${characters.slice(0, 36).join("")}…${characters.slice(-20).join("")}`;
  return `"${shown.replaceAll("\n", "\\n")}"`;
}

/** Names in a row for a message: `a, b, c`, at most twelve of them. */
export function listNames(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 12).join(", ");
  return all.length > 12 ? `${shown}, … (${all.length} in all)` : shown;
}
