import type { Json } from "./stage.ts";

/**
 * The one JSON text of a value: keys sorted by UTF-16 code unit, no spaces, strings in NFC, numbers as ECMAScript
 * prints them with -0 as 0. Equal values give equal bytes on any machine. NaN and infinities are bugs.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return canonicalNumber(value);
  if (typeof value === "string") return JSON.stringify(value.normalize("NFC"));
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value as { readonly [key: string]: Json })
    .map(([key, item]) => [key.normalize("NFC"), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`internal: ${value} has no JSON form`);
  return JSON.stringify(value === 0 ? 0 : value);
}
