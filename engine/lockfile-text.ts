import type { Json } from "./stage.ts";

const HEADER = "# Written by tunesmith. Commit this file; do not edit it by hand.\n\n";

/**
 * A lockfile's one text: keys sorted by code unit, one fact a line, LF. Equal values give equal bytes. Written here
 * because the library builds and visits a document of nodes, which takes ten times as long for a large lockfile.
 */
export function formatLockfile(value: { readonly [key: string]: Json }): string {
  return `${HEADER}${mapLines(value, "").join("\n")}\n`;
}

function mapLines(map: { readonly [key: string]: Json }, indent: string): readonly string[] {
  const keys = Object.keys(map).sort();
  return keys.flatMap((key) => entryLines(`${indent}${scalarText(key)}:`, map[key]!, indent));
}

/** What follows `head`, a key with its colon or the dash of a list's item: on its line, or indented below it. */
function entryLines(head: string, value: Json, indent: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [`${head} ${scalarText(value)}`];
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${head} []`];
    return [head, ...value.flatMap((item: Json) => itemLines(item, inner))];
  }
  const lines = mapLines(value as { readonly [key: string]: Json }, inner);
  return lines.length === 0 ? [`${head} {}`] : [head, ...lines];
}

/** A map or list as an item starts on the dash's own line. */
function itemLines(item: Json, indent: string): readonly string[] {
  const [first, ...rest] = entryLines(`${indent}-`, item, indent);
  if (rest.length === 0) return [first!];
  return [`${indent}- ${rest[0]!.slice(indent.length + 2)}`, ...rest.slice(1)];
}

/** Words that start with a letter and hold nothing that means something in YAML; or digits of a digest that are no number. */
const PLAIN = /^[A-Za-z_/][\w/@.+-]*([ :][\w/@.+-]+)*$|^(?=.*[abcdf])[0-9a-f]+$/;
const NOT_TEXT = /^(null|true|false|y|n|yes|no|on|off)$/i;
const UNSEEN = /[\x7f-\x9f\u2028\u2029\ufeff]/g;

/** One line, whatever the text holds. */
function scalarText(value: string | number | boolean | null): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "string") return String(value);
  if (PLAIN.test(value) && !NOT_TEXT.test(value)) return value;
  return JSON.stringify(value).replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
