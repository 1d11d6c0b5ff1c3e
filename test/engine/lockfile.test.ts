import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import { compareLocks, staticChanges } from "../../engine/build/compare-locks.ts";
import { lockRun } from "../../engine/build/lock-run.ts";
import {
  type LockedStage,
  type Lockfile,
  lockfilePathOf,
  lockfileText,
  parseLockfile,
} from "../../engine/lockfile.ts";
import { BuildRig, mixKind, pipelineOf, stageOf } from "../rig/build-rig.ts";

const [one, two] = [digestOf("one"), digestOf("two")];
const hex = one.slice(7);

const train: LockedStage = {
  uses: "fine-tune",
  version: 1,
  params: { learning_rate: 5e-5, model: "", tags: ["a", "b"], none: null, empty: {} },
  seed: 42,
  key: hex,
  inputs: { dataset: one },
  outputs: { model: two },
  determinism: { device: "cpu", runtime: "onnxruntime 1.30.0" },
  metrics: { loss: 0.1, accuracy: 0.75 },
};
const lockfile: Lockfile = {
  lockfile_version: 1,
  tunesmith: "0.1.0",
  pipeline: "demo",
  sources: {
    "b.csv": { sha256: hex, bytes: 12 },
    "a/model": { sha256: hex, bytes: 3, files: { "config.json": hex } },
  },
  stages: { train, rows: { ...train, determinism: "exact", metrics: {} } },
};

test("the text of a lockfile: sorted keys, one fact a line, no clock, no path of the machine", () => {
  const text = lockfileText(lockfile);
  assert.equal(
    text.slice(0, text.indexOf("  train:")),
    `# Written by tunesmith. Commit this file; do not edit it by hand.

lockfile_version: 1
pipeline: demo
sources:
  a/model:
    bytes: 3
    files:
      config.json: ${hex}
    sha256: ${hex}
  b.csv:
    bytes: 12
    sha256: ${hex}
stages:
  rows:
    determinism: exact
    inputs:
      dataset: ${one}
    key: ${hex}
    metrics: {}
    outputs:
      model: ${two}
    params:
      empty: {}
      learning_rate: 0.00005
      model: ""
      none: null
      tags:
        - a
        - b
    seed: 42
    uses: fine-tune
    version: 1
`,
  );
});

test("a lockfile reads back as it was written", () => {
  assert.deepEqual(parseLockfile(lockfileText(lockfile)), { ok: true, value: lockfile });
});

test("a lockfile that is none is a problem that says where", () => {
  const message = (text: string) => {
    const parsed = parseLockfile(text);
    return parsed.ok ? "ok" : parsed.error.message;
  };
  const prefix = "The lockfile cannot be read: ";
  assert.equal(
    message("a: [1"),
    `${prefix}Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 6.`,
  );
  assert.equal(
    message("lockfile_version: 2\n"),
    `${prefix}the file must have required property 'tunesmith'.`,
  );
  assert.equal(
    message(`<<<<<<< ours\n${lockfileText(lockfile)}`),
    `${prefix}it holds git conflict markers.`,
  );
  assert.match(
    message(lockfileText(lockfile).replace(`key: ${hex}`, "key: short")),
    /\/stages\/rows\/key must match pattern/,
  );
});

test("a lockfile lies beside its pipeline", () => {
  assert.deepEqual(["a/x.tune.yaml", "x.tune.yml", "x"].map(lockfilePathOf), [
    "a/x.tune.lock.yaml",
    "x.tune.lock.yaml",
    "x.lock.yaml",
  ]);
});

const kind = mixKind(new Set());
const pipeline = pipelineOf([
  stageOf(kind, "rows", { word: "ash", keep: 6 }),
  stageOf(kind, "train", { word: "elm", keep: 6 }, { a: { stage: "rows", port: "text" } }),
]);
const entry = (more: Partial<LockedStage>): LockedStage => ({
  uses: "mix",
  version: 1,
  params: { word: "ash", keep: 6 },
  key: hex,
  inputs: {},
  outputs: { text: one },
  determinism: "exact",
  metrics: { accuracy: 0.75 },
  ...more,
});
const locked: Lockfile = {
  ...lockfile,
  sources: {},
  stages: {
    rows: entry({}),
    train: entry({ params: { word: "elm", keep: 6 }, determinism: { device: "cpu" } }),
  },
};

test("before a frozen run: params, sources and stages are compared, key order and defaults apart", () => {
  assert.deepEqual(staticChanges(locked, pipeline.stages, {}), []);
  const edited = pipelineOf([
    stageOf(kind, "rows", { word: "oak", keep: 6 }),
    stageOf(kind, "extra", {}),
  ]);
  assert.deepEqual(staticChanges(locked, edited.stages, { "x.csv": { sha256: hex, bytes: 3 } }), [
    { path: "sources.x.csv", from: undefined, to: { sha256: hex, bytes: 3 } },
    { path: "stages.rows.params.word", from: "ash", to: "oak" },
    { path: "stages.extra", from: undefined, to: { uses: "mix", version: 1, params: {} } },
    {
      path: "stages.train",
      from: { uses: "mix", version: 1, params: { word: "elm", keep: 6 } },
      to: undefined,
    },
  ]);
});

test("a param that its kind gained since is no difference at its default, and one at any other value", () => {
  // `keep`, with the default 6, came after this lockfile was written.
  const earlier: Lockfile = {
    ...locked,
    stages: { ...locked.stages, rows: entry({ params: { word: "ash" } }) },
  };
  assert.deepEqual(staticChanges(earlier, pipeline.stages, {}), []);
  assert.deepEqual(compareLocks(earlier, locked, pipeline.stages).changes, []);
  const [rows, train] = pipeline.stages;
  const other = [{ ...rows!, params: { word: "ash", keep: 2 } }, train!];
  assert.deepEqual(staticChanges(earlier, other, {}), [
    { path: "stages.rows.params.keep", from: 6, to: 2 },
  ]);
});

test("after a frozen run: bytes within the machine class, metrics within 3% in another", () => {
  const now = (train: Partial<LockedStage>): Lockfile => ({
    ...locked,
    stages: { rows: entry({}), train: { ...locked.stages.train!, ...train } },
  });
  assert.deepEqual(compareLocks(locked, now({}), pipeline.stages), { changes: [], otherClass: [] });
  assert.deepEqual(compareLocks(locked, now({ outputs: { text: two } }), pipeline.stages), {
    changes: [{ path: "stages.train.outputs.text", from: one, to: two }],
    otherClass: [],
  });
  const other = { determinism: { device: "webgpu" }, outputs: { text: two } };
  assert.deepEqual(
    compareLocks(locked, now({ ...other, metrics: { accuracy: 0.76 } }), pipeline.stages),
    {
      changes: [],
      otherClass: ["train"],
    },
  );
  assert.deepEqual(
    compareLocks(locked, now({ ...other, metrics: { accuracy: 0.7 } }), pipeline.stages).changes,
    [{ path: "stages.train.metrics.accuracy", from: 0.75, to: 0.7 }],
  );
});

test("after a run of some stages: theirs is new, the others keep their entries, those that are gone leave", async () => {
  await using rig = await BuildRig.create();
  const outcome = await rig.run(pipeline.stages, { targets: ["rows"] });
  const previous = { ...locked, stages: { ...locked.stages, gone: entry({}) } };
  const next = lockRun(pipeline, outcome.built, previous, "0.2.0");
  const { key, outputs } = outcome.built.get("rows")!;
  assert.deepEqual(next, {
    lockfile_version: 1,
    tunesmith: "0.2.0",
    pipeline: "test",
    sources: {},
    stages: {
      rows: entry({
        params: { word: "ash", keep: 6 },
        key,
        outputs: { text: outputs.text!.digest },
        metrics: {},
      }),
      train: locked.stages.train,
    },
  });
});
