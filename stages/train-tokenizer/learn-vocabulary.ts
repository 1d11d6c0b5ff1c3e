import { byCodeUnit } from "../by-code-unit.ts";
import { type Pair, PieceMerger } from "./piece-merger.ts";

/** What a WordPiece piece begins with when it continues a word. */
export const CONTINUING = "##";

/** How large the vocabulary may become. */
export interface VocabularyLimits {
  /** The most pieces. */
  readonly size: number;
  /** A pair that occurs less often is not merged. */
  readonly minFrequency: number;
}

/** A learned vocabulary. */
export interface Vocabulary {
  /** Characters by code unit, each alone and continuing, then merged pieces in the order they were learned. */
  readonly pieces: readonly string[];
  /** Characters for which there was no room: words that have one are unknown. */
  readonly droppedCharacters: readonly string[];
}

/**
 * WordPiece pieces for words with their counts: again and again the pair of neighbouring pieces that occurs most often
 * becomes a piece. Among equals the shorter merged piece is taken, then the first in code units.
 */
export function learnVocabulary(
  wordCounts: ReadonlyMap<string, number>,
  limits: VocabularyLimits,
): Vocabulary {
  const { kept, dropped } = chooseCharacters(wordCounts, limits.size);
  const ids = new Map(kept.map((character, id) => [character, id]));
  const words = [...wordCounts].map(([word, count]) => ({ characters: Array.from(word), count }));
  const merger = new PieceMerger(
    [...kept, ...kept.map((character) => CONTINUING + character)],
    words
      .filter(({ characters }) => characters.every((character) => ids.has(character)))
      .map(({ characters, count }) => ({
        pieces: characters.map((c, i) => ids.get(c)! + (i === 0 ? 0 : kept.length)),
        count,
      })),
    { merged: (left, right) => left + right.slice(CONTINUING.length), isBefore },
  );
  while (merger.pieces.length < limits.size && merger.mergeBest(limits.minFrequency));
  return { pieces: merger.pieces, droppedCharacters: dropped };
}

/** The most frequent characters that fit, each alone and continuing, in code units. */
function chooseCharacters(wordCounts: ReadonlyMap<string, number>, size: number) {
  const counts = new Map<string, number>();
  for (const [word, count] of wordCounts)
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count);
  const ranked = [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || byCodeUnit(a, b))
    .map(([character]) => character);
  const room = Math.floor(size / 2);
  return {
    kept: ranked.slice(0, room).sort(byCodeUnit),
    dropped: ranked.slice(room).sort(byCodeUnit),
  };
}

function isBefore(a: Pair, b: Pair): boolean {
  if (a.merged.length !== b.merged.length) return a.merged.length < b.merged.length;
  const order = byCodeUnit(a.merged, b.merged);
  return order === 0 ? a.left < b.left : order < 0;
}
