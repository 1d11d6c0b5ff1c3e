import { createHash } from "node:crypto";
import { rowCount, type TokenDataset } from "../../training/token-dataset.ts";
import { rowDigest } from "../row-digest.ts";

/** Neighbouring rows that are embedded together, and a name for their tokens. */
export interface RowChunk {
  readonly begin: number;
  readonly end: number;
  /** Equal for chunks whose rows have the same tokens, in any dataset. */
  readonly name: string;
}

/** One row in so many ends a chunk. */
const MEAN_ROWS = 64;
const MOST_ROWS = 512;

/**
 * The rows in chunks whose ends the rows themselves decide: a row that is changed, added or taken out changes its own
 * chunk, perhaps the next, and no other.
 */
export function rowChunks(dataset: TokenDataset): readonly RowChunk[] {
  const chunks: RowChunk[] = [];
  const rows = rowCount(dataset);
  let begin = 0;
  let hash = createHash("sha256");
  for (let row = 0; row < rows; row++) {
    const digest = rowDigest(dataset, row);
    hash.update(digest);
    const isEnd = Number.parseInt(digest.slice(0, 8), 16) % MEAN_ROWS === 0;
    if (!isEnd && row + 1 - begin < MOST_ROWS && row + 1 < rows) continue;
    chunks.push({ begin, end: row + 1, name: `rows-${hash.digest("hex").slice(0, 32)}` });
    begin = row + 1;
    hash = createHash("sha256");
  }
  return chunks;
}
