import { Written } from "../artifacts/tokens.ts";
import type { Encoded, EncodeLimits, Encoder } from "./encoder.ts";

/** A text of which parts are to be written, as ids. */
export interface EncodedWritten extends Encoded {
  /** For each id who wrote it. */
  readonly written: readonly number[];
}

/** A text, and which of its characters are to be written: begin and end of each part, in their order. */
export interface MarkedText {
  readonly text: string;
  /** Undefined: nobody knows. */
  readonly parts: readonly (readonly [begin: number, end: number])[] | undefined;
}

/**
 * A prompt and what is to come after it, with the tokenizer's end token at the end, and cut there. Encoded as one text,
 * as TRL does, unless a token would hold the end of the prompt and the beginning of what follows: then each alone,
 * since the prompt stands alone when a model is asked.
 */
export function encodeCompletion(
  encoder: Encoder,
  { prompt, completion }: { readonly prompt: string; readonly completion: string },
  { maxLength }: EncodeLimits,
): EncodedWritten {
  const { before } = encoder.facts.template;
  const head = encoder.ownIds(prompt);
  const whole = encoder.ownIds(prompt + completion);
  const isKept = commonLength(head, whole) === head.length;
  const body = isKept ? whole : [...head, ...encoder.ownIds(completion)];
  const ids = [...before, ...ended(encoder, body)];
  const prompts = before.length + head.length;
  const written = ids.map((_, at) => (at < prompts ? Written.given : Written.own));
  return {
    ids: ids.slice(0, maxLength),
    written: written.slice(0, maxLength),
    fullLength: ids.length,
  };
}

/** A target, with the tokenizer's end token at its end where the limit leaves room for it. */
export function encodeTarget(encoder: Encoder, text: string, { maxLength }: EncodeLimits): Encoded {
  const ids = [...encoder.facts.template.before, ...ended(encoder, encoder.ownIds(text))];
  return { ids: ids.slice(0, maxLength), fullLength: ids.length };
}

/** A text that holds its special tokens itself; a token that is partly to be written is so as a whole. */
export function encodeMarked(
  encoder: Encoder,
  { text, parts }: MarkedText,
  { maxLength }: EncodeLimits,
): EncodedWritten {
  const ids = encoder.ownIds(text);
  const written = new Array<number>(ids.length).fill(parts ? Written.given : Written.unknown);
  for (const [begin, end] of parts ?? []) {
    const until = encoder.ownIds(text.slice(0, end));
    const shared = commonLength(until, ids);
    const first = commonLength(encoder.ownIds(text.slice(0, begin)), ids);
    written.fill(Written.own, first, shared === until.length ? shared : shared + 1);
  }
  return {
    ids: ids.slice(0, maxLength),
    written: written.slice(0, maxLength),
    fullLength: ids.length,
  };
}

/** With what the template puts after a text, and the end token. */
function ended({ facts }: Encoder, own: readonly number[]): readonly number[] {
  const ids = [...own, ...facts.template.after];
  return facts.endId === null || ids.at(-1) === facts.endId ? ids : [...ids, facts.endId];
}

/** How many ids two lists have in common at their beginnings. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((id, at) => id !== b[at]);
  return first < 0 ? a.length : first;
}
