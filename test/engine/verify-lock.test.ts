import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import { lockRun } from "../../engine/build/lock-run.ts";
import { type VerifiedStage, verifyLock } from "../../engine/build/verify-lock.ts";
import type { LockedStage, Lockfile } from "../../engine/lockfile.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { type AnyStage, defineStage, type Json } from "../../engine/stage.ts";
import { BuildRig, hostsInProcess, pipelineOf, stageOf, textArtifact } from "../rig/build-rig.ts";

/** What a stage of these tests is: what it adds to its input, and the accuracy it reports. */
interface Behaviour {
  readonly adds: string;
  readonly accuracy: number;
}

const executed: string[] = [];

/** A kind that appends a letter; `environment` makes it one whose bytes depend on the machine. */
function kindOf(name: string, { adds, accuracy }: Behaviour, environment: string[] = []): AnyStage {
  return defineStage({
    kind: name,
    version: 1,
    description: "Appends.",
    params: { type: "object", properties: {}, additionalProperties: false },
    inputs: { a: { type: textArtifact, description: "A text.", optional: true } },
    outputs: { text: { type: textArtifact, description: "A text." } },
    seeded: false,
    deterministic: true,
    environment,
    async run({ inputs, metric }) {
      executed.push(name);
      metric("accuracy", accuracy);
      return { text: `${(await inputs.a?.read()) ?? ""}${adds}` };
    },
  });
}

const first = { adds: "1", accuracy: 0.75 };
const second = { adds: "2", accuracy: 0.8 };

function stages(clean = first, train = second): readonly PipelineStage[] {
  return [
    stageOf(kindOf("clean", clean), "clean", {}),
    stageOf(
      kindOf("train", train, ["compute"]),
      "train",
      {},
      { a: { stage: "clean", port: "text" } },
    ),
  ];
}

/** A rig in which the stages have run, and the lockfile of that run. */
async function lockedRig() {
  const rig = await BuildRig.create();
  const outcome = await rig.run(stages(), { facts: machine("cpu") });
  const lock = lockRun(pipelineOf(stages()), outcome.built, undefined, "1.0.0");
  return { rig, lock };
}

/** A graphics device is a class of its own by its adapter, too. */
const machine = (device: string): Readonly<Record<string, Json>> => ({
  compute: { device, ...(device === "webgpu" && { adapter: "a GPU" }) },
});

/** Verifies in a new cache; `now` is what the stages do by now. */
async function verify(
  stored: BuildRig,
  lock: Lockfile,
  {
    now = stages(),
    chosen = [],
    device = "cpu",
  }: { now?: readonly PipelineStage[]; chosen?: readonly string[]; device?: string } = {},
) {
  await using clean = await BuildRig.create();
  executed.length = 0;
  const facts = { compute: { device: "cpu" } };
  const verified = await verifyLock(pipelineOf(now), lock, {
    stored: stored.cache,
    cache: clean.cache,
    hosts: hostsInProcess(
      now.map(({ kind }) => kind),
      clean.cache.blobs,
    ),
    chosen,
    tolerance: 0.03,
    device: { kind: "cpu", threads: 1 },
    facts,
    classes: machine(device),
    jobs: 1,
    signal: new AbortController().signal,
    placedFolder: clean.folder,
    explain: () => ({}),
    emit: () => {},
  });
  return verified.map(({ seconds: _, ...rest }) => rest);
}

const same = (stage: string): VerifiedStage => ({
  stage,
  state: "same-bytes",
  stored: "intact",
  changes: [],
});

function edited(lock: Lockfile, stage: string, change: Partial<LockedStage>): Lockfile {
  return { ...lock, stages: { ...lock.stages, [stage]: { ...lock.stages[stage]!, ...change } } };
}

test("what was locked comes out again, in a cache of its own", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  assert.deepEqual(await verify(rig, lock), [same("clean"), same("train")]);
  assert.deepEqual(executed, ["clean", "train"]);
});

test("a chosen stage alone runs again: what it reads is taken as it was locked", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  assert.deepEqual(await verify(rig, lock, { chosen: ["train"] }), [same("train")]);
  assert.deepEqual(executed, ["train"]);
});

test("elsewhere, without the project's cache, all that a chosen stage needs runs", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  await using empty = await BuildRig.create();
  assert.deepEqual(await verify(empty, lock, { chosen: ["train"] }), [
    { ...same("train"), stored: "missing" },
  ]);
  assert.deepEqual(executed, ["clean", "train"]);
});

test("a digest in the lockfile was edited", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  const [from, to] = [digestOf("forged"), lock.stages.train!.outputs.text];
  assert.deepEqual(await verify(rig, edited(lock, "train", { outputs: { text: from } })), [
    same("clean"),
    {
      stage: "train",
      state: "differs",
      stored: "missing",
      changes: [{ path: "outputs.text", from, to }],
      verdict: "the lockfile was edited: when it ran it gave what it gives now",
    },
  ]);
});

test("a metric in the lockfile was edited", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  assert.deepEqual(await verify(rig, edited(lock, "train", { metrics: { accuracy: 0.99 } })), [
    same("clean"),
    {
      ...same("train"),
      state: "differs",
      changes: [{ path: "metrics.accuracy", from: 0.99, to: 0.8 }],
      verdict: "the lockfile was edited: when it ran it gave what it gives now",
    },
  ]);
});

test("a stored blob was tampered with: it is not used, and said to be corrupt", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  const { blobs } = rig.cache;
  const path = blobs.pathOf(digestOf("1"));
  assert.equal(await readFile(path, "utf8"), "1");
  await chmod(path, 0o644);
  await writeFile(path, "9");
  assert.deepEqual(await verify(rig, lock), [
    { ...same("clean"), stored: "corrupt" },
    same("train"),
  ]);
});

test("a stage's code changed without a new version: its bytes tell, and what reads it follows", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  const now = stages({ adds: "one", accuracy: 0.75 });
  const verified = await verify(rig, lock, { now });
  assert.deepEqual(
    verified.map(({ stage, state, verdict, changes }) => {
      return [stage, state, verdict, changes.map(({ path }) => path)];
    }),
    [
      [
        "clean",
        "differs",
        "equal inputs gave other bytes: its code changed without a new version",
        ["outputs.text"],
      ],
      ["train", "differs", 'it reads "clean"', ["key", "inputs.a", "outputs.text"]],
    ],
  );
});

test("on a machine of another class metrics count, within the tolerance", async () => {
  const { rig, lock } = await lockedRig();
  await using _ = rig;
  const verifyOther = (accuracy: number) =>
    verify(rig, lock, { now: stages(first, { adds: "two", accuracy }), device: "webgpu" });
  assert.deepEqual(await verifyOther(0.81), [
    same("clean"),
    {
      ...same("train"),
      state: "same-metrics",
      verdict:
        "another class of machine: compute.device: cpu -> webgpu, compute.adapter: (absent) -> a GPU",
    },
  ]);
  const [, train] = await verifyOther(0.7);
  assert.deepEqual(train, {
    ...same("train"),
    state: "differs",
    changes: [{ path: "metrics.accuracy", from: 0.8, to: 0.7 }],
    verdict: "its metrics are beyond the tolerance, on a machine of another class",
  });
});
