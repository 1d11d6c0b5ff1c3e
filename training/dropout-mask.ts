import { mix32, type StreamKey } from "../models/counter-hash.ts";

/**
 * Fills a mask for dropout with share `p`: 0 drops, 1 keeps. Element i is decided by 16 bits of the
 * stream's number i / 2, so p is rounded to a multiple of 1 / 65536.
 */
export function fillDropoutMask(mask: Uint8Array, p: number, key: StreamKey): void {
  const threshold = Math.round(p * 65536);
  const { first, second } = key;
  const pairs = mask.length >> 1;
  for (let i = 0; i < pairs; i++) {
    const bits = mix32(mix32(i + first) ^ second);
    mask[2 * i] = keeps(bits & 0xffff, threshold);
    mask[2 * i + 1] = keeps(bits >>> 16, threshold);
  }
  if (mask.length % 2 === 1)
    mask[2 * pairs] = keeps(mix32(mix32(pairs + first) ^ second) & 0xffff, threshold);
}

/** 1 where the draw reaches the threshold: the sign bit of the difference, without a branch. */
function keeps(draw: number, threshold: number): number {
  return 1 ^ ((draw - threshold) >>> 31);
}
