import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packRows } from "../../training/pack-rows.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";

const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
const numRuns = 200 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);

/** Texts of these lengths, every token a number of its own. */
function textsOf(lengths: readonly number[]): TokenDataset {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets.at(-1)! + length);
  const ids = Uint32Array.from({ length: offsets.at(-1)! }, (_, at) => at);
  const rowIds = lengths.map((_, i) => `t${i}`);
  const labels = Int32Array.from(ids, (id) => 2 * id);
  return { ids, offsets: Uint32Array.from(offsets), labels, labelsOf: "tokens", rowIds };
}

test("random lengths: every text is whole in one row, no row is too long, and no two would fit in one", (t) => {
  t.diagnostic(`seed ${seed}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (lengths) => {
      const packed = packRows(textsOf(lengths), 12);
      const { ids, offsets, labels, textStarts, rowIds } = packed;
      assert.deepEqual(
        [...labels],
        [...ids].map((id) => 2 * id),
      );
      const starts = [...textStarts!.keys()].filter((at) => textStarts![at]);
      const texts = starts.map((at, i) => [...ids.subarray(at, starts[i + 1])]);
      const expected = [...textsOf(lengths).offsets]
        .slice(0, -1)
        .map((begin, i) => Array.from({ length: lengths[i]! }, (_, place) => begin + place));
      const byFirst = (a: readonly number[], b: readonly number[]) => a[0]! - b[0]!;
      assert.deepEqual(texts.sort(byFirst), expected);
      const sizes = rowIds.map((_, row) => offsets[row + 1]! - offsets[row]!);
      assert.ok(sizes.every((size) => size <= 12));
      const [least, next] = [...sizes].sort((a, b) => a - b);
      assert.ok(next === undefined || least! + next > 12, `rows of ${sizes}`);
    }),
    { seed, numRuns },
  );
});
