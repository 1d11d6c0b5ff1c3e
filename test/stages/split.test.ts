import assert from "node:assert/strict";
import { test } from "node:test";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { split } from "../../stages/split/split.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";

async function idsBySplit(rows: readonly Row[], params: object, seed = 42) {
  const { outputs } = await runStage(split, { params, seed, inputs: { dataset: datasetOf(rows) } });
  return Object.fromEntries(
    [...outputs.dataset.splits].map(([name, kept]) => [name, kept.map(({ id }) => id)]),
  );
}

const words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split(" ");

test("rows keep their order in the split that the hash of the seed and their text gives", async () => {
  const shares = { train: 0.5, validation: 0.25, test: 0.25 };
  const rows = rowsOf(words);
  assert.deepEqual(await idsBySplit(rows, shares), {
    train: ["3", "4", "7", "9", "12"],
    validation: ["5", "6", "11"],
    test: ["1", "2", "8", "10"],
  });
  assert.deepEqual(await idsBySplit(rows, shares, 7), {
    train: ["3", "5", "10", "11", "12"],
    validation: ["1", "2", "4", "9"],
    test: ["6", "7", "8"],
  });
  assert.deepEqual(await idsBySplit(rows, { train: 1 }), { train: rows.map(({ id }) => id) });
});

test("shares come out as asked: 10,000 rows within four standard deviations", async () => {
  const rows = rowsOf(Array.from({ length: 10_000 }, (_, i) => `text ${i}`));
  const ids = await idsBySplit(rows, { train: 0.8, validation: 0.15, test: 0.05 });
  for (const [name, share] of [
    ["train", 0.8],
    ["validation", 0.15],
    ["test", 0.05],
  ] as const) {
    const deviation = Math.abs(ids[name]!.length - share * 10_000);
    assert.ok(
      deviation < 4 * Math.sqrt(10_000 * share * (1 - share)),
      `${name}: ${ids[name]!.length}`,
    );
  }
});

test("groups stay together; rows without one go by their text", async () => {
  const rows = words.map((text, i) => ({
    id: text,
    text,
    columns: { source: ["a", "b", "c", ""][i % 4]! },
  }));
  const ids = await idsBySplit(rows, { train: 0.5, test: 0.5, group: "source" });
  assert.deepEqual(ids, {
    // source c, and delta and mu without one
    train: ["gamma", "delta", "eta", "lambda", "mu"],
    test: ["alpha", "beta", "epsilon", "zeta", "theta", "iota", "kappa"],
  });
});

test("stratify: a rare label is in every split, first of all in train; other labels stay where they were", async () => {
  const common = words.map((text) => [text, "common"] as const);
  const rare = ["r0", "r1", "r2", "r3"].map((text) => [text, "rare"] as const);
  const rows = rowsOf([...common, ...rare, ["beta2", "single"]]);
  const shares = { train: 0.25, validation: 0.25, test: 0.5 };
  const textsBySplit = async (params: object) => {
    const { outputs } = await runStage(split, { params, inputs: { dataset: datasetOf(rows) } });
    const moved = (outputs.report as { rows_moved_to_stratify: number }).rows_moved_to_stratify;
    const texts = [...outputs.dataset.splits].map(([name, kept]) => [
      name,
      kept.map(({ text }) => text).join(" "),
    ]);
    return { moved, ...Object.fromEntries(texts) };
  };
  assert.deepEqual(await textsBySplit(shares), {
    moved: 0,
    train: "r1",
    validation: "gamma delta eta iota mu",
    test: "alpha beta epsilon zeta theta kappa lambda r0 r2 r3 beta2",
  });
  assert.deepEqual(await textsBySplit({ ...shares, stratify: "label" }), {
    moved: 3, // iota: common in train; r3: rare in validation; beta2: the only one goes to train
    train: "iota r1 beta2",
    validation: "gamma delta eta mu r3",
    test: "alpha beta epsilon zeta theta kappa lambda r0 r2",
  });
});

test("the report: counts, groups, deviation of labels, leaks, warnings; metrics beside", async () => {
  const rows: Row[] = [
    ...rowsOf([
      ["one", "x"],
      ["two", "x"],
      ["three", "y"],
      ["four", "x"],
    ]),
    { id: "5", text: "one", label: "x", columns: {} },
  ].map((row, i) => ({ ...row, columns: { g: ["a", "b", "a", "", "c"][i]! } }));
  const { outputs, metrics, log } = await runStage(split, {
    params: { train: 0.5, test: 0.5, group: "g" },
    inputs: { dataset: datasetOf(rows) },
    seed: 3,
  });
  const warnings = [
    'no row of the split "train" has the label "y"',
    "1 text is in several splits, in different groups; drop_duplicates of the clean stage takes them out",
  ];
  assert.deepEqual(outputs.report, {
    rows: 5,
    splits: {
      train: { rows: 3, labels: { x: 3 } },
      test: { rows: 2, labels: { x: 1, y: 1 } },
    },
    groups: { groups: 3, rows_without_group: 1 },
    largest_label_deviation: {
      split: "test",
      label: "x",
      share: 0.5,
      expected: 0.8,
      difference: 0.8 - 0.5,
    },
    texts_in_several_splits: { texts: 1, examples: ["one"] },
    rows_moved_to_stratify: 0,
    warnings,
  });
  assert.deepEqual(metrics, {
    rows_train: 3,
    rows_test: 2,
    texts_in_several_splits: 1,
    largest_label_deviation: 0.8 - 0.5,
  });
  assert.deepEqual(
    log,
    warnings.map((warning) => `warning: ${warning}`),
  );
});

test("refused: a group or stratify column that is not there, a dataset already split, too few rows", async () => {
  const rows = rowsOf([
    ["a", "x"],
    ["b", "y"],
  ]).map((row) => ({ ...row, columns: { source: "s" } }));
  const inputs = { dataset: datasetOf(rows) };
  const shares = { train: 0.5, test: 0.5 };
  assert.deepEqual(
    await problemOf(runStage(split, { params: { ...shares, group: "sources" }, inputs })),
    {
      code: "missing-column",
      message: 'the dataset: there is no column "sources".',
      hint: 'did you mean "source"? the columns are: label, source',
    },
  );
  const two = {
    dataset: {
      splits: new Map([
        ["test", rows],
        ["train", rows],
      ]),
    },
  };
  assert.deepEqual(await problemOf(runStage(split, { params: shares, inputs: two })), {
    code: "already-split",
    message: "The dataset is already split: test, train.",
    hint: "split one of them (in: STAGE.test), or leave this stage out",
  });
  const params = { train: 0.999, test: 0.001 };
  assert.deepEqual(await problemOf(runStage(split, { params, inputs })), {
    code: "empty-split",
    message: 'The split "test" got no rows: 2 are too few for a share of 0.001.',
    hint: "add rows, raise its share, or try another seed",
  });
});

test("check and parts: shares must sum to 1, the input must be one split", () => {
  const check = (params: object, dataset?: string[]) =>
    split.check!(paramsOf(split, params), dataset === undefined ? {} : { dataset });
  assert.deepEqual(check({ train: 0.7, validation: 0.1, test: 0.2 }, ["train"]), []);
  assert.deepEqual(check({ train: 0.8, test: 0.3 }), [
    {
      at: [],
      code: "fractions-do-not-sum-to-1",
      message: "train, validation and test sum to 1.1, not to 1.",
      hint: "for example train: 0.8, validation: 0.1, test: 0.1",
    },
  ]);
  assert.deepEqual(check({ train: 1 }, ["train", "test"]), [
    {
      at: [],
      code: "already-split",
      message: "The dataset is already split: train, test.",
      hint: "split one of them (in: STAGE.train), or leave this stage out",
    },
  ]);
  assert.deepEqual(split.parts!(paramsOf(split, { train: 0.9, test: 0.1 }), {}), {
    dataset: ["train", "test"],
  });
});
