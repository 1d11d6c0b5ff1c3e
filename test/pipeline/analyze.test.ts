import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { analyzeText, codesOf, pipelineOf, placesOf } from "../rig/analyze-rig.ts";

const folder = mkdtempSync(join(tmpdir(), "tunesmith-analyze-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "data"));
writeFileSync(join(folder, "package.json"), "{}");
writeFileSync(join(folder, "data/rows.csv"), "text\nrain\n");
symlinkSync(tmpdir(), join(folder, "data/outside"));
symlinkSync("rows.csv", join(folder, "data/inside.csv"));

test("a pipeline has its stages in topological order, defaults filled in, paths absolute", async () => {
  const text = [
    "name: rain",
    "seed: 7",
    "stages:",
    "  result: { uses: put, in: changed, with: { to: out/rows } }",
    "  changed: { uses: change, in: { rows: given.train, note: given.note }, cache: false }",
    "  given:",
    "    uses: give",
    "    seed: 8",
    "    with: { from: data/rows.csv, parts: [train, test] }",
    '    require: { rows: ">= 1", loss: "<2e-1" }',
    "    resources: { gpu: 1 }",
    "",
  ].join("\n");
  const pipeline = await pipelineOf(text, { folder });
  const stages = pipeline.stages.map(({ kind, range: _, ...stage }) => ({
    ...stage,
    kind: kind.kind,
  }));
  assert.deepEqual(stages, [
    {
      name: "given",
      kind: "give",
      params: { from: "data/rows.csv", parts: ["train", "test"], count: 3, flag: false },
      seed: 8,
      inputs: {},
      sources: [
        {
          at: ["from"],
          absolute: join(folder, "data/rows.csv"),
          shown: "data/rows.csv",
          range: rangeOf(text, "data/rows.csv"),
        },
      ],
      cacheable: true,
      gates: [
        { metric: "rows", operator: ">=", value: 1, range: rangeOf(text, '">= 1"') },
        { metric: "loss", operator: "<", value: 0.2, range: rangeOf(text, '"<2e-1"') },
      ],
      resources: { gpu: 1 },
    },
    {
      name: "changed",
      kind: "change",
      params: {},
      seed: 7,
      inputs: {
        rows: { stage: "given", port: "rows", parts: ["train"] },
        note: { stage: "given", port: "note" },
      },
      sources: [],
      cacheable: false,
      gates: [],
      resources: { gpu: 0 },
    },
    {
      name: "result",
      kind: "put",
      params: { to: "out/rows" },
      seed: 7,
      inputs: { rows: { stage: "changed", port: "rows" } },
      sources: [],
      destination: { absolute: join(folder, "out/rows"), shown: "out/rows" },
      cacheable: true,
      gates: [],
      resources: { gpu: 0 },
    },
  ]);
  const { source, stages: _, ...facts } = pipeline;
  assert.deepEqual(source, { path: "test.tune.yaml", text });
  const path = join(folder, "test.tune.yaml");
  assert.deepEqual(facts, { name: "rain", path, folder, project: folder });
});

function rangeOf(text: string, part: string) {
  const start = text.indexOf(part);
  return { start, end: start + part.length };
}

test("without a name the pipeline is called as its file; without a seed it is 42", async () => {
  const pipeline = await pipelineOf("stages: { given: { uses: give } }");
  assert.equal(pipeline.name, "test");
  assert.equal(pipeline.stages[0]?.seed, 42);
});

test("stages that do not depend on each other keep the order of the file", async () => {
  const text = `stages:
  z: { uses: give }
  read: { uses: change, in: z }
  a: { uses: give }
  m: { uses: change, in: a }
`;
  const { stages } = await pipelineOf(text);
  assert.deepEqual(
    stages.map(({ name }) => name),
    ["z", "read", "a", "m"],
  );
});

test("links within the project are followed, links out of it are refused", async () => {
  const reading = (path: string) => `stages: { given: { uses: give, with: { from: ${path} } } }`;
  assert.deepEqual(await codesOf(reading("data/inside.csv"), { folder }), []);
  assert.deepEqual(await codesOf(reading("data/outside"), { folder }), ["outside-project"]);
  assert.deepEqual(
    await codesOf(`allow_outside: true\n${reading("data/outside")}`, { folder }),
    [],
  );
  const writing =
    "stages: { a: { uses: give }, b: { uses: put, in: a, with: { to: data/outside/x } } }";
  assert.deepEqual(await codesOf(writing, { folder }), ["outside-project"]);
});

test("a value of --set replaces the file's, or is added, with its YAML type", async () => {
  const text = "stages: { given: { uses: give, with: { count: 1, parts: [a, b] } } }";
  const overrides = [
    "stages.given.with.count=5",
    "stages.given.with.rate=3e-5",
    "stages.given.with.parts.1=c",
    "stages.given.seed=9",
    "seed=10",
  ];
  const { stages } = await pipelineOf(text, { overrides });
  assert.deepEqual(stages[0]?.params, { count: 5, parts: ["a", "c"], rate: 3e-5, flag: false });
  assert.equal(stages[0]?.seed, 9);
});

test("--set may set variables, maps and stages without params", async () => {
  const text =
    "vars: { n: 1 }\nstages: { given: { uses: give, with: { count: '${vars.n}' } }, b: { uses: give } }";
  const overrides = ["vars.n=4", "stages.b.with={ count: 2, name: x }"];
  const { stages } = await pipelineOf(text, { overrides });
  assert.deepEqual(
    stages.map(({ params }) => params),
    [
      { count: 4, flag: false },
      { count: 2, name: "x", flag: false },
    ],
  );
});

test("errors come in the order of the file, those of the command line last", async () => {
  const text =
    "sed: 1\nstages:\n  a: { uses: give, with: { cuont: 1 } }\n  b: { uses: chnge, in: aa }\n";
  const overrides = ["stages.a.with.rate=fast"];
  assert.deepEqual(await placesOf(text, { overrides }), [
    "1:1 unknown-key sed",
    "3:28 unknown-key cuont",
    "4:14 unknown-kind chnge",
    "4:25 unknown-stage aa",
    "1:20 wrong-value-type fast",
  ]);
});

test("one mistake is one error: nothing is said about what follows from it", async () => {
  const cases: readonly [string, readonly string[]][] = [
    // An unknown kind: its outputs and splits cannot be known.
    [
      "stages: { a: { uses: giv }, b: { uses: change, in: a.x }, c: { uses: measure, in: b } }",
      ["1:22 unknown-kind giv"],
    ],
    // A variable that is not there: no type is missing, no path does not exist.
    [
      "stages: { a: { uses: give, with: { count: '${vars.n}', from: '${vars.f}' } } }",
      ["1:44 unknown-variable ${vars.n}", "1:63 unknown-variable ${vars.f}"],
    ],
    // A wrong param: the splits that follow from it cannot be known.
    [
      "stages: { a: { uses: give, with: { parts: train } }, b: { uses: change, in: a.test } }",
      ["1:43 wrong-value-type train"],
    ],
    // A wrong split: what reads the reader has no error of its own.
    [
      "stages: { a: { uses: give, with: { parts: [x] } }, b: { uses: change, in: a.y }, c: { uses: change, in: b.y } }",
      ["1:75 unknown-part a.y"],
    ],
  ];
  for (const [text, places] of cases) assert.deepEqual(await placesOf(text), places);
});

test("diagnostics hold the file's text as it was read", async () => {
  const analyzed = await analyzeText("stages: {}\n");
  assert.deepEqual(analyzed, {
    ok: false,
    error: [
      {
        code: "value-out-of-range",
        message: '"stages" must have at least 1 key.',
        file: { path: "test.tune.yaml", text: "stages: {}\n" },
        range: { start: 8, end: 10 },
      },
    ],
  });
});
