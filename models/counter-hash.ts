/**
 * Random numbers as a function of what they are for: the same seed, purpose and index give the same
 * bits on every machine, in any order, after any resume. Nothing here holds a state. Not for secrets.
 */

/** Names one stream of random numbers. */
export interface StreamKey {
  readonly first: number;
  readonly second: number;
}

/** A bijection of 32 bits with little bias. https://github.com/skeeto/hash-prospector (lowbias32) */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0xd35a2d97);
  return x ^ (x >>> 15);
}

/** The stream of a seed (a safe integer) for a purpose, such as ("dropout", step, site). */
export function streamKey(seed: number, ...purpose: readonly (string | number)[]): StreamKey {
  let first = 0x243f6a88; // the first digits of pi, so that no input word meets a zero state
  let second = 0x85a308d3;
  for (const part of [seed, ...purpose])
    for (const word of wordsOf(part)) {
      first = mix32(first + word);
      second = mix32(second ^ Math.imul(word, 0x9e3779b1) ^ first);
    }
  return { first, second };
}

/**
 * 32 bits of a stream, as an integer from 0 to 2^32 - 1. Two rounds with a key each: with one, the
 * streams of two keys would hold the same numbers in another order.
 */
export function hashAt(key: StreamKey, index: number): number {
  return mix32(mix32(index + key.first) ^ key.second) >>> 0;
}

/** The numbers 0 to length - 1 in an order drawn from the stream (Fisher and Yates' shuffle). */
export function permutation(length: number, key: StreamKey): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor((hashAt(key, last) / 2 ** 32) * (last + 1));
    const swapped = order[last]!;
    order[last] = order[other]!;
    order[other] = swapped;
  }
  return order;
}

/**
 * Fills an array with normal deviates of mean 0: Marsaglia's polar method, because it needs only
 * log and sqrt, which every JavaScript engine we know computes to the same bits (sin and cos differ
 * between versions of V8).
 */
export function fillNormal(array: Float32Array, standardDeviation: number, key: StreamKey): void {
  let index = 0;
  for (let at = 0; at < array.length; ) {
    const u = hashAt(key, index++) / 2 ** 31 - 1;
    const v = hashAt(key, index++) / 2 ** 31 - 1;
    const square = u * u + v * v;
    if (square >= 1 || square === 0) continue;
    const scale = standardDeviation * Math.sqrt((-2 * Math.log(square)) / square);
    array[at++] = u * scale;
    if (at < array.length) array[at++] = v * scale;
  }
}

/** A part as 32-bit words, with a tag, so that parts of different kinds or lengths never meet. */
function wordsOf(part: string | number): readonly number[] {
  if (typeof part === "string") {
    const words = Array.from({ length: part.length }, (_, i) => part.charCodeAt(i));
    return [0x5f356495, part.length, ...words];
  }
  if (!Number.isSafeInteger(part)) throw new RangeError(`internal: ${part} is not a safe integer.`);
  return [0x32c2466d, part | 0, Math.floor(part / 2 ** 32) | 0];
}
