import assert from "node:assert/strict";
import { test } from "node:test";
import { hashAt, streamKey } from "../../models/counter-hash.ts";
import { dropoutKey } from "../../training/dropout-key.ts";
import { fillDropoutMask } from "../../training/dropout-mask.ts";
import { type Draw, type MaskCase, scoresOf } from "../rig/mask-scores.ts";

// Dropout masks beside those of a strong hash, and of weak ones that the same statistics find out.

const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
const draws = Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
/** Standard deviations. Of what is asked of one way to draw, something is further off by chance once in a million times. */
const LIMIT = 6.5;

const ours: Draw = ({ rows, columns, site, p, ...role }) => {
  const mask = new Uint8Array(rows * columns);
  fillDropoutMask(mask, { site, shape: [rows, columns], p }, dropoutKey(role));
  return mask;
};

/** Every element has a hash of its own, of 32 bits. */
const strong: Draw = ({ rows, columns, p, ...one }) => {
  const key = streamKey(one.seed, one.step, one.part, one.site);
  return Uint8Array.from({ length: rows * columns }, (_, i) =>
    Number(hashAt(key, i) >= p * 2 ** 32),
  );
};

/** Strong keys of rows and columns, and this of both. */
function ofKeys(combined: (row: number, column: number) => number): Draw {
  return ({ rows, columns, p, ...one }: MaskCase) => {
    const key = streamKey(one.seed, one.step, one.part, one.site);
    const keys = Array.from({ length: rows + columns }, (_, i) => hashAt(key, i));
    return Uint8Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [keys[Math.floor(i / columns)]!, keys[rows + (i % columns)]!];
      return Number(combined(row, column) >>> 0 >= p * 2 ** 32);
    });
  };
}

/** A sum of keys, mixed as hashes are, but with + for exclusive or: rows are other rows, some constants further. */
const shifted = ofKeys((row, column) => {
  const x = (row + column) >>> 0;
  return Math.imul(x + (x >>> 15), 0x2c1b3c6d);
});

for (const p of [0.1, 0.5, 0.01]) {
  test(`masks with p = ${p} are as random as a strong hash's`, (t) => {
    t.diagnostic(`seed ${seed}`);
    for (let i = 0; i < draws; i++)
      for (const draw of [ours, strong])
        for (const [name, score] of scoresOf(draw, seed + 1000 * i, p))
          assert.ok(Math.abs(score) < LIMIT, `${name}: ${score} standard deviations`);
  });
}

test("what is not random shows", () => {
  const found = (draw: Draw) =>
    [...scoresOf(draw, seed, 0.1)].flatMap(([name, score]) =>
      Math.abs(score) < LIMIT ? [] : [name],
    );
  assert.ok(found(shifted).includes("pairs of rows"));
  assert.ok(found(ofKeys((row, column) => row ^ column)).includes("pairs of columns"));
  assert.ok(found((one) => ours({ ...one, step: 0 })).includes("pairs of steps"));
});
