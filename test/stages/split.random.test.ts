import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { split } from "../../stages/split/split.ts";
import { datasetOf } from "../rig/rows.ts";
import { runStage } from "../rig/run-stage.ts";

const RUNS = 30 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);

/** Fails with fast-check's seed and path in the message; the seed is printed also where it passes. */
async function hold<T>(property: fc.IAsyncProperty<T>): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  await fc.assert(property, { seed, numRuns: RUNS });
}

const someRows: fc.Arbitrary<Row[]> = fc
  .array(
    fc.record({
      text: fc.string({ maxLength: 4 }),
      label: fc.constantFrom("x", "y", "z"),
      group: fc.constantFrom("", "a", "b", "c", "d", "e", "f", "g"),
    }),
    { minLength: 60, maxLength: 120 },
  )
  .map((rows) =>
    rows.map(({ text, label, group }, i) => ({ id: String(i), text, label, columns: { group } })),
  );

const SHARES = { train: 0.5, validation: 0.25, test: 0.25 };

/** The split of each row, by id; undefined where a split would be empty. */
async function sides(rows: readonly Row[], seed: number, params: object) {
  const running = runStage(split, {
    params: { ...SHARES, ...params },
    seed,
    inputs: { dataset: datasetOf(rows) },
  });
  const result = await running.catch((error) => {
    if (error?.problem?.code === "empty-split") return undefined;
    throw error;
  });
  if (result === undefined) return undefined;
  const entries = [...result.outputs.dataset.splits].flatMap(([name, kept]) =>
    kept.map(({ id }) => [id, name] as const),
  );
  assert.equal(entries.length, rows.length);
  return new Map(entries);
}

for (const params of [{}, { group: "group" }])
  test(`adding, removing and reordering rows moves no other row ${JSON.stringify(params)}`, () =>
    hold(
      fc.asyncProperty(someRows, fc.nat(), fc.nat(), async (rows, seed, cut) => {
        const all = await sides(rows, seed, params);
        const some = rows.filter((_, i) => (i * 7919 + cut) % 3 > 0).reverse();
        const fewer = await sides(some, seed, params);
        if (!all || !fewer) return;
        for (const [id, side] of fewer) assert.equal(side, all.get(id));
      }),
    ));

test("rows of one group, and equal texts without groups, never meet in different splits", () =>
  hold(
    fc.asyncProperty(someRows, fc.nat(), async (rows, seed) => {
      const grouped = await sides(rows, seed, { group: "group", stratify: "label" });
      const plain = await sides(rows, seed, { stratify: "label" });
      for (const [found, keyOf] of [
        [grouped, ({ columns }: Row) => columns.group!],
        [plain, ({ text }: Row) => `=${text}`],
      ] as const) {
        if (!found) continue;
        const sideOf = new Map<string, string>();
        for (const row of rows) {
          const key = keyOf(row);
          if (key === "") continue;
          assert.equal(sideOf.get(key) ?? found.get(row.id), found.get(row.id));
          sideOf.set(key, found.get(row.id)!);
        }
      }
    }),
  ));

test("stratify moves only rows of labels that the hash left out of a split", () =>
  hold(
    fc.asyncProperty(someRows, fc.nat(), async (rows, seed) => {
      const plain = await sides(rows, seed, {});
      const stratified = await sides(rows, seed, { stratify: "label" });
      if (!plain || !stratified) return;
      const complete = (label: string) =>
        Object.keys(SHARES).every((name) =>
          rows.some((row) => row.label === label && plain.get(row.id) === name),
        );
      if (["x", "y", "z"].every(complete)) assert.deepEqual(stratified, plain);
      for (const label of ["x", "y", "z"])
        assert.ok(rows.some((row) => row.label === label && stratified.get(row.id) === "train"));
    }),
  ));
