import { hashAt, type StreamKey } from "../models/counter-hash.ts";
import type { TokenDataset } from "./token-dataset.ts";

/** How words are hidden for a model to find. */
export interface Masking {
  readonly maskTokenId: number;
  /** Words that may stand in for a hidden one have ids below this. */
  readonly vocabSize: number;
  /** The share of the labelled tokens that is to be found. */
  readonly probability: number;
}

/**
 * The rows with words hidden, as BERT was trained: of the tokens to be found eight in ten become the mask token, one
 * in ten any word, and one in ten stays; only they keep their labels. The key and a token's place decide alone.
 * Rows without `masking` stay as they are. https://arxiv.org/abs/1810.04805, section 3.1
 */
export function maskedDataset(dataset: TokenDataset, key: StreamKey): TokenDataset {
  const { masking } = dataset;
  if (masking === undefined) return dataset;
  const ids = dataset.ids.slice();
  const labels = dataset.labels.slice();
  const draw = (at: number, use: number) => hashAt(key, 3 * at + use) / 2 ** 32;
  for (const at of labels.keys()) {
    if (labels[at]! < 0) continue;
    if (draw(at, 0) >= masking.probability) {
      labels[at] = -1;
      continue;
    }
    const fate = draw(at, 1);
    if (fate < 0.8) ids[at] = masking.maskTokenId;
    else if (fate < 0.9) ids[at] = Math.floor(draw(at, 2) * masking.vocabSize);
  }
  return { ...dataset, ids, labels };
}
