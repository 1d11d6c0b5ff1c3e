import type { Row } from "../artifacts/dataset.ts";
import type { TokenRow, TokenSplit } from "../artifacts/tokens.ts";
import type { EncodedBatch, EncodedWordsBatch } from "./batch-encoder.ts";

/** A row whose words have tags. */
export interface TaggedRow extends Row {
  readonly words: readonly string[];
  readonly tags: readonly string[];
}

/** Whether every row has tagged words. */
export function areTagged(rows: readonly Row[]): rows is readonly TaggedRow[] {
  return rows.length > 0 && rows.every(({ words, tags }) => words && tags);
}

/** Words of a split that have no token where they begin, and so lose their tags. */
export interface LostWords {
  /** Beyond max_length. */
  cut: number;
  /** Of characters that the tokenizer takes out. */
  withoutTokens: number;
}

/** What tags add to a split: which tokens begin a word, and in each row the tags of these words. */
export function tagTokens(
  rows: readonly Row[],
  batches: readonly EncodedBatch[],
): { split: Pick<TokenSplit, "rows" | "wordStarts">; lost: LostWords } | undefined {
  if (!areTagged(rows)) return undefined;
  const lost: LostWords = { cut: 0, withoutTokens: 0 };
  const kept: TokenRow[] = [];
  const starts: Uint8Array[] = [];
  for (const { begins, lengths, fullLengths } of batches as readonly EncodedWordsBatch[]) {
    starts.push(Uint8Array.from(begins, (word) => Number(word >= 0)));
    let at = 0;
    for (const [i, length] of lengths.entries()) {
      const { id, label, words, tags } = rows[kept.length]!;
      const begun = begins.subarray(at, at + length).filter((word) => word >= 0);
      at += length;
      const missing = words.length - begun.length;
      if (fullLengths[i]! > length) lost.cut += missing;
      else lost.withoutTokens += missing;
      kept.push({
        id,
        ...(label !== undefined && { label }),
        tags: Array.from(begun, (word) => tags[word]!),
      });
    }
  }
  return { split: { rows: kept, wordStarts: Uint8Array.from(Buffer.concat(starts)) }, lost };
}
