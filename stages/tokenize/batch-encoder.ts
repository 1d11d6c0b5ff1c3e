import { StageFailure } from "../../engine/diagnostic.ts";
import type { TokenizerFiles } from "../artifacts/tokenizer.ts";
import { encodeQuestion, type QuestionLimits, type QuestionRow } from "./encode-question.ts";
import {
  type EncodedWritten,
  encodeCompletion,
  encodeMarked,
  encodeTarget,
  type MarkedText,
} from "./encode-written.ts";
import {
  type Encoded,
  type EncodeLimits,
  Encoder,
  type EncoderFacts,
  type PlacedIds,
} from "./encoder.ts";
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

/** The ids of a batch of texts of which parts are to be written. */
export interface EncodedWrittenBatch extends EncodedBatch {
  /** For each id who wrote it. */
  readonly written: Uint8Array;
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
    const encoded = withinDeadline(sumOf(texts, lengthOf), () =>
      texts.map((text) => this.#encoder.encode(text, this.#limits)),
    );
    return batchOf(encoded);
  }

  /** Texts whose words are known; see Encoder.encodeWords. */
  encodeWords(texts: readonly (readonly string[])[]): EncodedWordsBatch {
    const characters = sumOf(texts.flat(), lengthOf);
    const encoded = withinDeadline(characters, () =>
      texts.map((words) => this.#encoder.encodeWords(words, this.#limits)),
    );
    return {
      ...batchOf(encoded),
      begins: Int32Array.from(encoded.flatMap(({ begins }) => begins)),
    };
  }

  /** Prompts with their completions; see encodeCompletion. */
  encodeCompletions(
    rows: readonly { readonly prompt: string; readonly completion: string }[],
  ): EncodedWrittenBatch {
    const characters = sumOf(rows, (row) => row.prompt.length + row.completion.length);
    const encoded = withinDeadline(2 * characters, () =>
      rows.map((row) => encodeCompletion(this.#encoder, row, this.#limits)),
    );
    return writtenBatchOf(encoded);
  }

  /** See encodeMarked. */
  encodeMarked(texts: readonly MarkedText[]): EncodedWrittenBatch {
    const characters = sumOf(texts, ({ text, parts = [] }) => text.length * (1 + 2 * parts.length));
    const encoded = withinDeadline(characters, () =>
      texts.map((text) => encodeMarked(this.#encoder, text, this.#limits)),
    );
    return writtenBatchOf(encoded);
  }

  /** See encodeTarget. */
  encodeTargets(texts: readonly string[], limits: EncodeLimits): EncodedBatch {
    const encoded = withinDeadline(sumOf(texts, lengthOf), () =>
      texts.map((text) => encodeTarget(this.#encoder, text, limits)),
    );
    return batchOf(encoded);
  }

  /** What ids add to the text of those before them. */
  decodeAfter(before: readonly number[], ids: readonly number[]): string {
    return this.decode([...before, ...ids]).slice(this.decode(before).length);
  }

  /** The rows of each question; see encodeQuestion. */
  encodeQuestions(
    pairs: readonly { readonly question: string; readonly context: string }[],
    limits: QuestionLimits,
  ): readonly (readonly QuestionRow[])[] {
    const characters = sumOf(pairs, ({ question, context }) => question.length + context.length);
    return withinDeadline(characters, () => {
      let [known, placed]: [string?, PlacedIds?] = [];
      return pairs.map(({ question, context }) => {
        if (placed === undefined || context !== known)
          // many questions have one context
          [known, placed] = [context, this.#encoder.encodeWithOffsets(context)];
        return encodeQuestion(this.#encoder, { question, context: placed }, limits);
      });
    });
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

function writtenBatchOf(encoded: readonly EncodedWritten[]): EncodedWrittenBatch {
  return {
    ...batchOf(encoded),
    written: Uint8Array.from(encoded.flatMap(({ written }) => written)),
  };
}

function lengthOf({ length }: { readonly length: number }): number {
  return length;
}

function sumOf<T>(items: readonly T[], numberOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + numberOf(item), 0);
}

function packed(lists: readonly (readonly number[])[]): Uint32Array {
  const all = new Uint32Array(sumOf(lists, lengthOf));
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
