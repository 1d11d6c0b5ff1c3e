import assert from "node:assert/strict";
import { test } from "node:test";
import { streamKey } from "../../models/counter-hash.ts";
import { maskedDataset } from "../../training/masking.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";

const COUNT = 60_000;
const MASK = 4;

/** One long row: every third token has no label. */
const dataset: TokenDataset = {
  ids: Uint16Array.from({ length: COUNT }, (_, i) => 100 + (i % 50)),
  offsets: Uint32Array.of(0, COUNT),
  labels: Int32Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? -1 : 100 + (i % 50))),
  labelsOf: "tokens",
  rowIds: ["a"],
  masking: { maskTokenId: MASK, vocabSize: 1000, probability: 0.15 },
};

test("15% are to be found: 80% hidden, 10% another word, 10% as they are; nothing else changes", () => {
  const { ids, labels } = maskedDataset(dataset, streamKey(1, "mask", 0));
  const counts = { found: 0, hidden: 0, kept: 0, other: 0 };
  for (let at = 0; at < COUNT; at++) {
    if (labels[at]! < 0) {
      assert.equal(ids[at], dataset.ids[at]);
      continue;
    }
    assert.notEqual(at % 3, 0);
    assert.equal(labels[at], dataset.ids[at]);
    counts.found++;
    if (ids[at] === MASK) counts.hidden++;
    else if (ids[at] === dataset.ids[at]) counts.kept++;
    else counts.other++;
  }
  const near = (part: number, whole: number, share: number) =>
    assert.ok(Math.abs(part / whole - share) < 0.01, `${part} of ${whole}, expected ${share}`);
  near(counts.found, (COUNT * 2) / 3, 0.15);
  near(counts.hidden, counts.found, 0.8);
  near(counts.other, counts.found, 0.1);
  near(counts.kept, counts.found, 0.1);
});

test("the key decides alone; rows without masking stay as they are", () => {
  const shown = (epoch: number) => maskedDataset(dataset, streamKey(1, "mask", epoch));
  assert.deepEqual(shown(0), shown(0));
  assert.notDeepEqual(shown(1).ids, shown(0).ids);
  const { masking: _, ...plain } = dataset;
  assert.equal(maskedDataset(plain, streamKey(1, "mask", 0)), plain);
});
