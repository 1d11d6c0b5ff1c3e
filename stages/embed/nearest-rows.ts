import type { Embeddings } from "../artifacts/embeddings.ts";

/** A row, and how near its vector is. */
export interface NearRow {
  readonly split: string;
  readonly id: string;
  /** The cosine of both vectors: 1 where they point the same way. */
  readonly similarity: number;
}

/** The `count` rows whose vectors are nearest by cosine, the nearest first; of equal ones the earlier in the dataset. */
export function nearestRows(
  { splits, facts: { width } }: Pick<Embeddings, "splits" | "facts">,
  vector: Float32Array,
  count: number,
): readonly NearRow[] {
  const length = lengthOf(vector);
  const near = [...splits].flatMap(([split, { rows, vectors }]) =>
    rows.map(({ id }, row): NearRow => {
      const other = vectors.subarray(row * width, (row + 1) * width);
      return { split, id, similarity: dot(vector, other) / (length * lengthOf(other) || 1) };
    }),
  );
  return near.sort((a, b) => b.similarity - a.similarity).slice(0, count);
}

/** The vector of a row by its id, and the split it is in; the first where splits share ids. */
export function vectorOfRow(
  { splits, facts: { width } }: Pick<Embeddings, "splits" | "facts">,
  id: string,
): { readonly split: string; readonly vector: Float32Array } | undefined {
  for (const [split, { rows, vectors }] of splits) {
    const row = rows.findIndex((one) => one.id === id);
    if (row >= 0) return { split, vector: vectors.subarray(row * width, (row + 1) * width) };
  }
  return undefined;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}
