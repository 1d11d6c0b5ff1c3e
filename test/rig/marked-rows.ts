import { hashAt, streamKey } from "../../models/counter-hash.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";

/** A BERT for `markedRows` that trains in milliseconds, with dropout. */
export const markedConfig = {
  model_type: "bert",
  vocab_size: 20,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
  max_position_embeddings: 16,
};

/** Rows of 3 to 12 random ids after the id 1; the label says whether the marker 3 is among them. */
export function markedRows(count: number, seed: number): TokenDataset {
  const key = streamKey(seed, "rows");
  const rows = Array.from({ length: count }, (_, row) => {
    const length = 3 + (hashAt(key, 100 * row) % 10);
    const ids = Array.from({ length }, (_, i) => 4 + (hashAt(key, 100 * row + 1 + i) % 16));
    if (row % 2 === 1) ids[hashAt(key, 100 * row + 50) % length] = 3;
    return [1, ...ids];
  });
  const offsets = [0];
  for (const row of rows) offsets.push(offsets.at(-1)! + row.length);
  return {
    ids: Uint16Array.from(rows.flat()),
    offsets: Int32Array.from(offsets),
    labels: Int32Array.from(rows, (_, row) => row % 2),
    rowIds: rows.map((_, row) => `row ${row}`),
  };
}
