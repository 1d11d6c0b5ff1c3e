import { createHash } from "node:crypto";
import type { TokenDataset } from "../training/token-dataset.ts";

/** Of all that a row's vector depends on but the model: its tokens and their types, in 16 hex digits. */
export function rowDigest({ ids, offsets, typeIds }: TokenDataset, row: number): string {
  const [begin, end] = [offsets[row]!, offsets[row + 1]!];
  const tokens = Uint32Array.from(ids.subarray(begin, end));
  const hash = createHash("sha256").update(new Uint8Array(tokens.buffer));
  const types = typeIds?.subarray(begin, end);
  if (types?.some((type) => type !== 0)) hash.update(types);
  return hash.digest("hex").slice(0, 16);
}
