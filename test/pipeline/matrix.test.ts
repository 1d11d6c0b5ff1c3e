import assert from "node:assert/strict";
import { test } from "node:test";
import { codesOf, pipelineOf } from "../rig/analyze-rig.ts";

/** Each stage with the stages that it reads. */
async function edgesOf(text: string, overrides: readonly string[] = []) {
  const { stages } = await pipelineOf(text, { overrides });
  return stages.map(({ name, inputs }) => [
    name,
    ...Object.entries(inputs).map(([port, { stage }]) => `${port}: ${stage}`),
  ]);
}

const give = `
vars: { counts: [1, 2] }
stages:
  a:
    uses: give
    matrix:
      count: "\${vars.counts}"
      rate: [3e-5, 0.5]
      exclude: [{ count: 2, rate: 0.5 }]
      include: [{ rate: 1, count: 7 }]
    with: { count: "\${matrix.count}", rate: "\${matrix.rate}", name: "n\${matrix.count}" }
`;

test("a matrix is the stage once for each combination, its values with their types", async () => {
  const { stages } = await pipelineOf(give);
  assert.deepEqual(
    stages.map(({ name, params }) => [name, params]),
    [
      ["a[count=1,rate=3e-5]", { count: 1, rate: 3e-5, name: "n1", flag: false }],
      ["a[count=1,rate=0.5]", { count: 1, rate: 0.5, name: "n1", flag: false }],
      ["a[count=2,rate=3e-5]", { count: 2, rate: 3e-5, name: "n2", flag: false }],
      ["a[count=7,rate=1]", { count: 7, rate: 1, name: "n7", flag: false }],
    ],
  );
  const set = await pipelineOf(give, { overrides: ["vars.counts=[2]"] });
  assert.deepEqual(
    set.stages.map(({ name }) => name),
    ["a[count=2,rate=3e-5]", "a[count=7,rate=1]"],
  );
});

const readers = `
stages:
  a: { uses: give, matrix: { count: [1, 2], rate: [0.1, 0.2] }, with: { count: "\${matrix.count}", rate: "\${matrix.rate}" } }
`;

test("a stage reads one member, each member, or all of them", async () => {
  const one =
    "  b: { uses: change, in: { rows: 'a[rate=0.2, count=1]', note: 'a[count=2,rate=0.1].note' } }\n";
  assert.deepEqual((await edgesOf(readers + one)).at(-1), [
    "b",
    "rows: a[count=1,rate=0.2]",
    "note: a[count=2,rate=0.1]",
  ]);
  const each = "  b: { uses: change, matrix: a, in: a }\n";
  assert.deepEqual((await edgesOf(readers + each)).slice(4), [
    ["b[count=1,rate=0.1]", "rows: a[count=1,rate=0.1]"],
    ["b[count=1,rate=0.2]", "rows: a[count=1,rate=0.2]"],
    ["b[count=2,rate=0.1]", "rows: a[count=2,rate=0.1]"],
    ["b[count=2,rate=0.2]", "rows: a[count=2,rate=0.2]"],
  ]);
  const all =
    "  b: { uses: gather, in: 'a[count=2]' }\n  c: { uses: gather, matrix: { count: [1] }, in: { rows: a } }\n";
  assert.deepEqual((await edgesOf(readers + all)).slice(4), [
    [
      "b",
      "rows[count=2,rate=0.1]: a[count=2,rate=0.1]",
      "rows[count=2,rate=0.2]: a[count=2,rate=0.2]",
    ],
    [
      "c[count=1]",
      "rows[count=1,rate=0.1]: a[count=1,rate=0.1]",
      "rows[count=1,rate=0.2]: a[count=1,rate=0.2]",
    ],
  ]);
});

test("a list of maps names the members; texts are cut to what can stand in a name", async () => {
  const text = `
stages:
  a:
    uses: give
    matrix: [{ model: models/bert-tiny, seed: 1 }, { seed: 2, model: "another one" }]
    seed: "\${matrix.seed}"
    with: { name: "\${matrix.model}" }
`;
  const { stages } = await pipelineOf(text);
  assert.deepEqual(
    stages.map(({ name, seed, params }) => [name, seed, params.name]),
    [
      ["a[model=models-bert-tiny,seed=1]", 1, "models/bert-tiny"],
      ["a[model=another-one,seed=2]", 2, "another one"],
    ],
  );
});

test("one mistake in a matrix is one error", async () => {
  const codes = (matrix: string, more = "") =>
    codesOf(`stages:\n  a: { uses: give, matrix: ${matrix}, with: { count: x } }\n${more}`);
  assert.deepEqual(await codes("{ seed: [1, 2, 3] }"), ["wrong-value-type"]);
  assert.deepEqual(await codes(`{ seed: [${"1,".repeat(1)} 1.0] }`), ["wrong-value-type"]);
  assert.deepEqual(await codes(`{ seed: [${[...Array(1001).keys()]}] }`), ["matrix-too-large"]);
});
