import { hashAt, streamKey } from "../models/counter-hash.ts";
import type { TokenDataset } from "./token-dataset.ts";

/**
 * As many rows as there are, drawn with replacement so that each label comes up equally often: what
 * torch's WeightedRandomSampler does with weights of 1 / (rows of the label). Depends on nothing but
 * the labels, the seed and the epoch.
 */
export function balancedOrder({ labels }: TokenDataset, seed: number, epoch: number): number[] {
  const rowsOf = new Map<number, number[]>();
  for (const [row, label] of labels.entries()) {
    const rows = rowsOf.get(label);
    if (rows === undefined) rowsOf.set(label, [row]);
    else rows.push(row);
  }
  const groups = [...rowsOf].sort(([a], [b]) => a - b).map(([, rows]) => rows);
  const key = streamKey(seed, "balanced", epoch);
  const draw = (index: number, count: number) =>
    Math.floor(((hashAt(key, index) >>> 0) / 2 ** 32) * count);
  return Array.from(labels, (_, at) => {
    const group = groups[draw(2 * at, groups.length)]!;
    return group[draw(2 * at + 1, group.length)]!;
  });
}
