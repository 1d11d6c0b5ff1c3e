import assert from "node:assert/strict";
import { test } from "node:test";
import { hashAt, permutation, streamKey } from "../../models/counter-hash.ts";
import { parameter } from "../../models/parameters.ts";
import { clipScale, GradientSum } from "../../training/gradient-sum.ts";
import { AdamW } from "../../training/optimizers/adamw.ts";
import golden from "../golden/adamw.json" with { type: "json" };

const spec = (name: string, shape: number[], decays = true) =>
  ({ name, shape, initial: "zeros", decays }) as const;

for (const { weight_decay, start, gradients, after } of golden)
  test(`six clipped steps equal torch.optim.AdamW, weight decay ${weight_decay}`, () => {
    const given = { adam_beta1: 0.9, adam_beta2: 0.99, adam_epsilon: 1e-6, weight_decay };
    const optimizer = new AdamW([spec("w", [12])], given);
    const w = parameter([12], Float32Array.from(start));
    for (const gradient of gradients) {
      const sum = new GradientSum();
      sum.addDense("w", Float32Array.from(gradient));
      const rates = { learningRate: 1e-2, gradientScale: clipScale(sum.norm(), 1) };
      optimizer.step(new Map([["w", w]]), sum, rates);
    }
    for (const [i, x] of w.data.entries()) assert.ok(Math.abs(x - after[i]!) < 1e-6, `${i}: ${x}`);
  });

test("a table with sparse gradients ends in the bits of a dense update, also when it goes on from one's state", () => {
  const [rows, width, steps] = [50, 6, 12];
  const key = streamKey(5, "sparse");
  const value = (i: number) => hashAt(key, i) / 2 ** 31 - 1;
  const start = Float32Array.from({ length: rows * width }, (_, i) => value(i));
  const given = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.1 };
  const train = (isSparse: (step: number) => boolean) => {
    let optimizer = new AdamW([spec("table", [rows, width])], given);
    const table = parameter([rows, width], start.slice());
    for (let step = 0; step < steps; step++) {
      const state = optimizer.state();
      if (step === steps / 2) {
        optimizer = new AdamW([spec("table", [rows, width])], given);
        optimizer.restore(state, step);
      }
      // Ids repeat, and most rows never come up.
      const ids = Array.from({ length: 9 }, (_, i) => hashAt(key, 1e6 + 9 * step + i) % 20);
      const gradients = Float32Array.from({ length: 9 * width }, (_, i) => value(step * 777 + i));
      const sum = new GradientSum();
      sum.addRows("table", { ids, gradients, paddingRow: 3 });
      if (!isSparse(step)) {
        sum.addDense("table", new Float32Array(rows * width));
        sum.tables.get("table")!.addTo(sum.dense.get("table")!);
        sum.tables.delete("table");
      }
      const rates = { learningRate: 1e-2 / (step + 1), gradientScale: 0.7 };
      optimizer.step(new Map([["table", table]]), sum, rates);
    }
    return { table: table.data, state: optimizer.state() };
  };
  const [sparse, dense] = [train(() => true).table, train(() => false).table];
  assert.deepEqual(sparse, dense);
  assert.deepEqual(
    train((step) => step >= steps / 2),
    train(() => true),
  );
  assert.notDeepEqual(sparse, start);
});

test("a parameter that does not decay and has no gradient stays as it is", () => {
  const given = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.5 };
  const optimizer = new AdamW([spec("unused", [2]), spec("bias", [2], false)], given);
  const [unused, bias] = [
    parameter([2], Float32Array.of(1, 2)),
    parameter([2], Float32Array.of(3, 4)),
  ];
  const sum = new GradientSum();
  sum.addDense("bias", Float32Array.of(0, 0));
  const rates = { learningRate: 0.1, gradientScale: 1 };
  optimizer.step(
    new Map([
      ["unused", unused],
      ["bias", bias],
    ]),
    sum,
    rates,
  );
  assert.deepEqual([...unused.data, ...bias.data], [1, 2, 3, 4]);
});

test("the norm runs over dense gradients and over rows, repeated ids added up first", () => {
  const sum = new GradientSum();
  sum.addDense("w", Float32Array.of(1, 2, 2, 0, 4));
  sum.addRows("t", { ids: [7, 2, 7], gradients: Float32Array.of(1, 3, 1), paddingRow: undefined });
  sum.addRows("t", { ids: [2, 0], gradients: Float32Array.of(1, 100), paddingRow: 0 });
  assert.equal(sum.norm(), Math.sqrt(1 + 4 + 4 + 16 + 2 ** 2 + 4 ** 2));
  assert.deepEqual(
    [sum.tables.get("t")!.rows, [...sum.tables.get("t")!.values]],
    [
      [7, 2],
      [2, 4],
    ],
  );
});

test("clipping follows torch.nn.utils.clip_grad_norm_", () => {
  assert.equal(clipScale(0.5, 1), 1);
  assert.equal(clipScale(4, 1), 1 / (4 + 1e-6));
  assert.equal(clipScale(4, 0), 1);
});

test("many rows are kept apart while a table's gradients grow", () => {
  const rows = [...permutation(1000, streamKey(1, "rows"))];
  const sum = new GradientSum();
  for (const id of rows)
    sum.addRows("t", { ids: [id], gradients: Float32Array.of(id), paddingRow: undefined });
  const table = sum.tables.get("t")!;
  assert.deepEqual(table.rows, rows);
  assert.deepEqual([...table.values], rows);
});
