import { hashAt, mix32, streamKey } from "../models/counter-hash.ts";

/**
 * How dropout masks are drawn: by sums, products and one comparison of 32-bit integers that wrap around, because
 * processors and the graphs of every GPU have these alike. A mask is a matrix: its last axis are the columns, all others
 * the rows. Rows and columns have keys, and an element is kept where
 *
 *     (key of its row + 1 + key of its column · factor of the site)³  >  limit of p
 *
 * The sum is odd, and the cubes of odd numbers are the odd numbers in another order: so exactly the share p lies below.
 * Over a row (or a column) the cubes of two others differ by a polynomial of degree 2, not by a constant: none is
 * another one shifted. test/training/dropout-quality.random.test.ts holds what comes of it beside a strong hash.
 */

/** Where the random numbers of a batch come from. */
export interface BatchRole {
  readonly seed: number;
  /** The number of the step, from 0. */
  readonly step: number;
  /** The number of the batch in its step, from 0. */
  readonly part: number;
}

/** A batch's masks in 16 bytes: what makes keys of rows (an odd factor, an even shift), then of columns. */
export type DropoutKey = Int32Array;

/** The key of a batch's masks. */
export function dropoutKey({ seed, step, part }: BatchRole): DropoutKey {
  const stream = streamKey(seed, "dropout", step, part);
  return Int32Array.from({ length: 4 }, (_, i) => {
    const bits = hashAt(stream, i);
    return i % 2 === 0 ? bits | 1 : bits & ~1;
  });
}

/**
 * The odd numbers that stand for rows or columns 0 to count - 1. Two of a million differ in their low 21 bits: cubes
 * of numbers that are equal there would be nearly one constant apart.
 */
export function placeNumbers(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, n) => (mix32(n + 1) << 21) + 2 * n + 1);
}

/** The odd number by which the columns of a place in the model differ from those of others. */
export function siteFactor(site: string): number {
  return streamKey(0, site).first | 1;
}

/** What cubes must exceed to be kept, where the share `p` is dropped. */
export function dropoutLimit(p: number): number {
  return Math.min(Math.max(Math.round(p * 2 ** 32) - 2 ** 31 - 1, -(2 ** 31)), 2 ** 31 - 2);
}
