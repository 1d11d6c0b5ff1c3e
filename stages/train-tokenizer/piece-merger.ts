import { PriorityQueue } from "./priority-queue.ts";

/** A word as pieces, by their ids. */
export interface Word {
  pieces: number[];
  readonly count: number;
}

/** Two neighbouring pieces, and how often they occur. */
export interface Pair {
  readonly left: number;
  readonly right: number;
  readonly merged: string;
  count: number;
  /** Indices of words that have, or once had, the pair. */
  readonly words: Set<number>;
}

/** What merging is done by. */
export interface MergeRules {
  /** The piece that two neighbours become. */
  merged(left: string, right: string): string;
  /** Of two pairs that occur equally often, whether the first is merged before the other. */
  isBefore(a: Pair, b: Pair): boolean;
}

/** A pair as it was when it was queued; another count since then makes it stale. */
interface Candidate {
  readonly pair: Pair;
  readonly count: number;
}

const PAIR_BASE = 2 ** 26;

/** Words as pieces, of which the pair that occurs most often is merged again and again; counts are kept up to date. */
export class PieceMerger {
  /** Those it began with, then those that were merged, in their order. */
  readonly pieces: string[];
  readonly #ids: Map<string, number>;
  readonly #words: readonly Word[];
  readonly #rules: MergeRules;
  readonly #pairs = new Map<number, Pair>();
  readonly #queue: PriorityQueue<Candidate>;

  constructor(pieces: readonly string[], words: readonly Word[], rules: MergeRules) {
    this.pieces = [...pieces];
    this.#ids = new Map(pieces.map((piece, id) => [piece, id]));
    this.#words = words;
    this.#rules = rules;
    this.#queue = new PriorityQueue((a, b) =>
      a.count === b.count ? rules.isBefore(a.pair, b.pair) : a.count > b.count,
    );
    for (const index of words.keys()) this.#count(index, 1);
    for (const pair of this.#pairs.values()) this.#queue.add({ pair, count: pair.count });
  }

  /** Makes the most frequent pair a piece; undefined when none occurs often enough. */
  mergeBest(minFrequency: number): Pair | undefined {
    for (let best = this.#queue.take(); best !== undefined; best = this.#queue.take()) {
      const { pair, count } = best;
      if (pair.count !== count) continue;
      if (count < minFrequency) return undefined;
      this.#merge(pair);
      return pair;
    }
    return undefined;
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
    const merged = this.#rules.merged(this.pieces[left]!, this.pieces[right]!);
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
