import { StageFailure } from "../../engine/diagnostic.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { type Encoded, type EncodeLimits, Encoder, type EncoderFacts } from "./encoder.ts";
import { DeadlinePassed, withDeadline } from "./with-deadline.ts";

/** The ids of a batch of texts, one text after the other. */
export interface EncodedBatch {
  readonly ids: Uint32Array;
  /** Ids of each text. */
  readonly lengths: Uint32Array;
  /** Ids that each text would have had without the limit. */
  readonly fullLengths: Uint32Array;
}

/** The ids of a batch of texts that are given as words. */
export interface EncodedWordsBatch extends EncodedBatch {
  /** For each id the number of its text's word that begins with it, else -1. */
  readonly begins: Int32Array;
}

/**
 * How long a batch may take: thousands of times what an honest tokenizer needs. A tokenizer.json may come from a
 * stranger, and its regular expressions run on V8, where a few dozen characters can take years.
 */
const DEADLINE_SECONDS = 5;
const DEADLINE_SECONDS_PER_MILLION_CHARACTERS = 60;

/** An encoder for tokenizers from anywhere: all its work has a deadline, beyond which it is a StageFailure. */
export class BatchEncoder {
  readonly #encoder: Encoder;
  readonly #limits: EncodeLimits;

  constructor(files: TokenizerFiles, limits: EncodeLimits) {
    this.#encoder = withinDeadline(0, () => new Encoder(files));
    this.#limits = limits;
  }

  get facts(): EncoderFacts {
    return this.#encoder.facts;
  }

  encode(texts: readonly string[]): EncodedBatch {
    const characters = texts.reduce((sum, { length }) => sum + length, 0);
    const encoded = withinDeadline(characters, () =>
      texts.map((text) => this.#encoder.encode(text, this.#limits)),
    );
    return batchOf(encoded);
  }

  /** Texts whose words are known; see Encoder.encodeWords. */
  encodeWords(texts: readonly (readonly string[])[]): EncodedWordsBatch {
    const characters = texts.flat().reduce((sum, { length }) => sum + length, 0);
    const encoded = withinDeadline(characters, () =>
      texts.map((words) => this.#encoder.encodeWords(words, this.#limits)),
    );
    return {
      ...batchOf(encoded),
      begins: Int32Array.from(encoded.flatMap(({ begins }) => begins)),
    };
  }

  /** Ids as text, without special tokens. */
  decode(ids: readonly number[]): string {
    return withinDeadline(ids.length, () => this.#encoder.decode(ids));
  }
}

function batchOf(encoded: readonly Encoded[]): EncodedBatch {
  return {
    ids: packed(encoded.map(({ ids }) => ids)),
    lengths: Uint32Array.from(encoded, ({ ids }) => ids.length),
    fullLengths: Uint32Array.from(encoded, ({ fullLength }) => fullLength),
  };
}

function packed(lists: readonly (readonly number[])[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const ids of lists) {
    all.set(ids, at);
    at += ids.length;
  }
  return all;
}

function withinDeadline<T>(characters: number, work: () => T): T {
  const seconds = DEADLINE_SECONDS + (characters / 1e6) * DEADLINE_SECONDS_PER_MILLION_CHARACTERS;
  try {
    return withDeadline(seconds, work);
  } catch (error) {
    if (!(error instanceof DeadlinePassed)) throw error;
    throw new StageFailure({
      code: "tokenizer-too-slow",
      message: `The tokenizer took more than ${Math.round(seconds)} s for ${characters} characters.`,
      hint: "a regular expression in its tokenizer.json takes exponential time on this text; if you did not write it, do not trust the file",
    });
  }
}
