import type { Device } from "../../compute/device.ts";
import { graphOf, input } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import type { Embeddings } from "../artifacts/embeddings.ts";

/** Two rows whose vectors are near. */
export interface NearPair {
  readonly first: { readonly split: string; readonly id: string };
  readonly second: { readonly split: string; readonly id: string };
  /** The cosine of both vectors. */
  readonly similarity: number;
}

/** The pairs of rows that are at least so near. */
export interface NearDuplicates {
  readonly pairs: number;
  /** Those of rows in different splits: what is trained on is tested on. */
  readonly acrossSplits: number;
  /** The nearest of them, the nearest first. */
  readonly nearest: readonly NearPair[];
}

/** Numbers of similarities that are computed at once. */
const BLOCK = 4_000_000;

/** Compares each row with each other one, of all splits: time grows with the square of the rows. */
export async function nearDuplicates(
  { splits, facts: { width } }: Pick<Embeddings, "splits" | "facts">,
  { least, most, device }: { least: number; most: number; device: Device },
): Promise<NearDuplicates> {
  const rows = [...splits].flatMap(([split, one]) => one.rows.map(({ id }) => ({ split, id })));
  const table = unitRows(
    [...splits.values()].map(({ vectors }) => vectors),
    width,
  );
  const count = Math.max(1, Math.min(rows.length, Math.floor(BLOCK / rows.length)));
  const [x, all] = [input("rows", [count, width]), input("all", [rows.length, width])];
  const executable = await device.compile(graphOf({ cosines: ops.linear(x, all) }));
  const found = { pairs: 0, acrossSplits: 0, nearest: [] as NearPair[] };
  try {
    for (let begin = 0; begin < rows.length; begin += count) {
      const block = new Float32Array(count * width);
      block.set(table.subarray(begin * width, (begin + count) * width));
      const inputs = {
        rows: { dtype: "float32", shape: [count, width], data: block },
        all: { dtype: "float32", shape: [rows.length, width], data: table },
      } as const;
      const { cosines } = await executable.run(new Map(Object.entries(inputs)));
      const data = cosines!.data as Float32Array;
      for (let i = begin; i < Math.min(begin + count, rows.length); i++)
        for (let j = i + 1; j < rows.length; j++) {
          const similarity = data[(i - begin) * rows.length + j]!;
          if (similarity < least) continue;
          found.pairs++;
          if (rows[i]!.split !== rows[j]!.split) found.acrossSplits++;
          found.nearest.push({ first: rows[i]!, second: rows[j]!, similarity });
        }
      found.nearest = found.nearest.sort((a, b) => b.similarity - a.similarity).slice(0, most);
    }
  } finally {
    await executable.release();
  }
  return found;
}

/** All vectors as one table, each divided by its length; one of length 0 stays, and is near nothing. */
function unitRows(parts: readonly Float32Array[], width: number): Float32Array {
  const table = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vectors of parts) {
    table.set(vectors, at);
    at += vectors.length;
  }
  for (let begin = 0; begin < table.length; begin += width) {
    const row = table.subarray(begin, begin + width);
    const length = Math.hypot(...row) || 1;
    for (let i = 0; i < width; i++) row[i]! /= length;
  }
  return table;
}
