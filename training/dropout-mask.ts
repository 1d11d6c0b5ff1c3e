import type { StreamKey } from "../models/counter-hash.ts";
import { kernels } from "./kernels.ts";

const PIECE = 1 << 16; // of the kernels' memory, which the processor's cache holds

/**
 * Fills a mask for dropout with share `p`: 0 drops, 1 keeps. Element i is decided by half of the
 * stream's number i / 2 (16 bits, the low ones first), so p is rounded to a multiple of 1 / 65536.
 */
export function fillDropoutMask(mask: Uint8Array, p: number, key: StreamKey): void {
  const threshold = Math.min(Math.round(p * 65536), 65535);
  const { first, second } = key;
  const piece = new Uint8Array(kernels.memory.buffer, 0, PIECE);
  for (let at = 0; at < mask.length; at += PIECE) {
    const count = Math.min(PIECE, mask.length - at);
    const rounded = Math.ceil(count / 16) * 16;
    kernels.dropoutMask(0, rounded, at / 2, first, second, threshold);
    mask.set(piece.subarray(0, count), at);
  }
}
