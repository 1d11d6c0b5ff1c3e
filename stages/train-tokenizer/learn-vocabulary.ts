import { byCodeUnit } from "../by-code-unit.ts";
import { PriorityQueue } from "./priority-queue.ts";

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
  const alphabet = new Set(kept);
  const words = [...wordCounts].map(([word, count]) => ({ characters: Array.from(word), count }));
  const learning = new Learning(
    kept,
    words.filter(({ characters }) => characters.every((character) => alphabet.has(character))),
  );
  while (learning.pieces.length < limits.size && learning.mergeBest(limits.minFrequency));
  return { pieces: learning.pieces, droppedCharacters: dropped };
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

interface Word {
  pieces: number[];
  readonly count: number;
}

/** Two neighbouring pieces, and how often they occur. */
interface Pair {
  readonly left: number;
  readonly right: number;
  readonly merged: string;
  count: number;
  /** Indices of words that have, or once had, the pair. */
  readonly words: Set<number>;
}

/** A pair as it was when it was queued; another count since then makes it stale. */
interface Candidate {
  readonly pair: Pair;
  readonly count: number;
}

const PAIR_BASE = 2 ** 26;

/** Words as pieces, with counts of all pairs kept up to date at each merge. */
class Learning {
  readonly pieces: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #words: readonly Word[];
  readonly #pairs = new Map<number, Pair>();
  readonly #queue = new PriorityQueue<Candidate>(isBefore);

  constructor(
    alphabet: readonly string[],
    words: readonly { readonly characters: readonly string[]; readonly count: number }[],
  ) {
    for (const character of alphabet) this.#idOf(character);
    for (const character of alphabet) this.#idOf(CONTINUING + character);
    this.#words = words.map(({ characters, count }) => ({
      pieces: characters.map((c, i) => this.#idOf(i === 0 ? c : CONTINUING + c)),
      count,
    }));
    for (const index of this.#words.keys()) this.#count(index, 1);
    for (const pair of this.#pairs.values()) this.#queue.add({ pair, count: pair.count });
  }

  /** Makes the most frequent pair a piece; false when none occurs often enough. */
  mergeBest(minFrequency: number): boolean {
    for (let best = this.#queue.take(); best !== undefined; best = this.#queue.take()) {
      const { pair, count } = best;
      if (pair.count !== count) continue;
      if (count < minFrequency) return false;
      this.#merge(pair);
      return true;
    }
    return false;
  }

  #merge(pair: Pair): void {
    const merged = this.#idOf(pair.merged);
    const touched = new Set<Pair>();
    for (const index of [...pair.words]) {
      for (const before of this.#count(index, -1)) touched.add(before);
      const word = this.#words[index]!;
      word.pieces = mergedPieces(word.pieces, pair, merged);
      for (const after of this.#count(index, 1)) touched.add(after);
    }
    for (const changed of touched)
      if (changed.count > 0) this.#queue.add({ pair: changed, count: changed.count });
  }

  /** Adds a word's pairs to the counts, or takes them off; returns those pairs. */
  #count(index: number, sign: 1 | -1): readonly Pair[] {
    const { pieces, count } = this.#words[index]!;
    return pieces.slice(1).map((right, i) => {
      const pair = this.#pairOf(pieces[i]!, right);
      pair.count += sign * count;
      if (sign > 0) pair.words.add(index);
      else pair.words.delete(index);
      return pair;
    });
  }

  #pairOf(left: number, right: number): Pair {
    const key = left * PAIR_BASE + right;
    const known = this.#pairs.get(key);
    if (known) return known;
    const merged = this.pieces[left]! + this.pieces[right]!.slice(CONTINUING.length);
    const pair = { left, right, merged, count: 0, words: new Set<number>() };
    this.#pairs.set(key, pair);
    return pair;
  }

  #idOf(piece: string): number {
    const known = this.#ids.get(piece);
    if (known !== undefined) return known;
    const id = this.pieces.length;
    this.#ids.set(piece, id);
    this.pieces.push(piece);
    return id;
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.pair.merged.length !== b.pair.merged.length)
    return a.pair.merged.length < b.pair.merged.length;
  const order = byCodeUnit(a.pair.merged, b.pair.merged);
  return order === 0 ? a.pair.left < b.pair.left : order < 0;
}

function mergedPieces(pieces: readonly number[], { left, right }: Pair, merged: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < pieces.length; i++) {
    if (pieces[i] === left && pieces[i + 1] === right) {
      result.push(merged);
      i++;
    } else result.push(pieces[i]!);
  }
  return result;
}
