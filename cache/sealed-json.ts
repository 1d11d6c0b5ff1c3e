import { digestOf } from "./digest.ts";
import type { Json } from "./trace-store.ts";

// Every character of the text is either fixed or covered by the digest, so that any change is
// found.
const head = '{"check":"';
const middle = '","content":';
const tail = "}\n";
const contentStart = head.length + "sha256:".length + 64 + middle.length;

/**
 * JSON text that carries the digest of its own content, so that `unseal` finds any change to it.
 */
export function seal(content: Json): string {
  const body = JSON.stringify(content);
  return `${head}${digestOf(body)}${middle}${body}${tail}`;
}

/** The content of a sealed text, or `undefined` if any byte of it is not as it was written. */
export function unseal(text: string): Json | undefined {
  if (!text.startsWith(head) || !text.endsWith(tail)) return undefined;
  const body = text.slice(contentStart, -tail.length);
  if (text !== `${head}${digestOf(body)}${middle}${body}${tail}`) return undefined;
  return JSON.parse(body) as Json;
}
