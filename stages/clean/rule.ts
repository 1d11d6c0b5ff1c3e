import { RE2JS } from "re2js";
import type { Row } from "../artifacts/dataset.ts";
import type { RuleParams } from "./clean.ts";
import { stripHtml } from "./strip-html.ts";

/** One step of cleaning. It may remember rows: it must see them in the dataset's order. */
export interface Rule {
  /** As the report calls it. */
  readonly name: string;
  /** The row's new text; undefined to drop the row. */
  apply(row: Row): string | undefined;
  /** Of rules that change texts: what any other text of the row becomes, such as its translation. */
  change?(text: string): string;
  /** What else the report says of it, once all rows have passed. */
  facts?(): { readonly [name: string]: number };
}

type NamedRule = Extract<RuleParams, string>;

/** The rule that an item of `rules` describes. */
export function ruleOf(params: RuleParams): Rule {
  if (typeof params === "string") return namedRule(params);
  const { min_characters, max_characters, truncate_characters, drop_duplicates, replace } = params;
  if (min_characters !== undefined)
    return keepIf(`min_characters: ${min_characters}`, (text) =>
      hasCharacters(text, min_characters),
    );
  if (max_characters !== undefined)
    return keepIf(
      `max_characters: ${max_characters}`,
      (text) => !hasCharacters(text, max_characters + 1),
    );
  if (truncate_characters !== undefined)
    return change(`truncate_characters: ${truncate_characters}`, (text) =>
      hasCharacters(text, truncate_characters + 1)
        ? Array.from(text).slice(0, truncate_characters).join("")
        : text,
    );
  if (drop_duplicates !== undefined)
    return dropDuplicates(`drop_duplicates: ${drop_duplicates}`, drop_duplicates);
  if (replace !== undefined) return replaceMatches(replace.pattern, replace.with);
  throw new Error("internal: a rule without a name passed the schema");
}

function namedRule(name: NamedRule): Rule {
  switch (name) {
    case "unicode_nfc":
      return change(name, (text) => text.normalize("NFC"));
    case "strip_html":
      return change(name, stripHtml);
    case "collapse_whitespace":
      return change(name, (text) => text.replaceAll(/\s+/gu, " ").trim());
    case "strip_control":
      return change(name, (text) => text.replaceAll(/[^\P{Cc}\t\n\r]|[\u200b\ufeff]/gu, ""));
    case "lowercase":
      return change(name, (text) => text.toLowerCase());
    case "drop_empty":
      return { name, apply: (row) => (isWritten(row) ? row.text : undefined) };
    case "drop_duplicates":
      return dropDuplicates(name, "text");
  }
}

/** Whether neither the text nor what is to be written for it is blank. */
function isWritten({ text, completion = text, target = text }: Row): boolean {
  return [text, completion, target].every((part) => part.trim() !== "");
}

function change(name: string, apply: (text: string) => string): Rule {
  return { name, apply: ({ text }) => apply(text), change: apply };
}

function keepIf(name: string, keeps: (text: string) => boolean): Rule {
  return { name, apply: ({ text }) => (keeps(text) ? text : undefined) };
}

/** Whether the text has at least so many code points. */
function hasCharacters(text: string, least: number): boolean {
  if (text.length < least) return false;
  let count = 0;
  for (const _ of text) if (++count >= least) return true;
  return count >= least;
}

function dropDuplicates(name: string, by: "text" | "text_and_label"): Rule {
  const labelsOfText = new Map<string, (string | undefined)[]>();
  let conflicting = 0;
  return {
    name,
    apply({ text, question, completion, target, label = completion ?? target }) {
      const key = question === undefined ? text : JSON.stringify([text, question]);
      const labels = labelsOfText.get(key);
      if (labels === undefined) {
        labelsOfText.set(key, [label]);
        return text;
      }
      if (label !== labels[0]) conflicting++;
      if (by === "text" || labels.includes(label)) return undefined;
      labels.push(label);
      return text;
    },
    facts: () => ({ conflicting_labels: conflicting }),
  };
}

/** RE2 takes time linear in the text, whatever the pattern. */
function replaceMatches(pattern: string, replacement: string): Rule {
  const regex = RE2JS.compile(pattern);
  return change(`replace: ${pattern}`, (text) => regex.matcher(text).replaceAll(replacement));
}
