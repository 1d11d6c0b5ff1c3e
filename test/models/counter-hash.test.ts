import assert from "node:assert/strict";
import { test } from "node:test";
import { fillNormal, hashAt, permutation, streamKey } from "../../models/counter-hash.ts";

// Lockfiles promise that equal seeds give equal models: these numbers may never change.

test("golden: the bits of a stream", () => {
  const key = streamKey(42, "dropout", 7, "site");
  assert.deepEqual(key, { first: 1330908505, second: -104736710 });
  assert.deepEqual(
    [0, 1, 2, 2 ** 31, 2 ** 32 - 1].map((index) => hashAt(key, index)),
    [3397661374, 2336718484, 1793298038, 1906898380, 3388353765],
  );
});

test("golden: a permutation", () => {
  assert.deepEqual(
    [...permutation(10, streamKey(42, "shuffle", 0))],
    [5, 4, 7, 3, 0, 8, 2, 9, 1, 6],
  );
});

test("golden: normal deviates, an odd number of them", () => {
  const array = new Float32Array(5);
  fillNormal(array, 0.02, streamKey(42, "init", "w"));
  const expected = [
    0.0021124351769685745, 0.035170551389455795, 0.0015435933601111174, -0.011501729488372803,
    -0.019127171486616135,
  ];
  assert.deepEqual([...array], expected);
});

test("every part of a purpose matters, and its place and kind", () => {
  const purposes = [[], [0], [1], ["0"], [0, 0], ["a", "b"], ["ab"], ["b", "a"], [2 ** 32], [-1]];
  const keys = purposes.flatMap((purpose) => [streamKey(0, ...purpose), streamKey(1, ...purpose)]);
  assert.equal(new Set(keys.map((key) => JSON.stringify(key))).size, 2 * purposes.length);
});

test("normal deviates have the moments of a normal distribution", () => {
  const count = 200_000;
  const array = new Float32Array(count);
  fillNormal(array, 1, streamKey(3, "moments"));
  const moment = (power: number) => array.reduce((sum, x) => sum + x ** power, 0) / count;
  for (const [power, expected] of [0, 0, 1, 0, 3].entries())
    if (power > 0) assert.ok(Math.abs(moment(power) - expected) < 0.05, `moment ${power}`);
});

test("the streams of neighbouring steps are independent", () => {
  const steps = [streamKey(0, "dropout", 1, "x"), streamKey(0, "dropout", 2, "x")] as const;
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 100_000; i++) {
    const [a, b] = steps.map((key) => Number(hashAt(key, i) % 65536 < 32768));
    counts[2 * a! + b!]! += 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 25_000) < 700, `seen: ${counts}`);
});
