import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import { checkFrozen } from "../../cli/frozen-run.ts";
import type { Lockfile } from "../../engine/lockfile.ts";
import { success } from "../../engine/result.ts";
import { BuildRig, mixKind, pipelineOf, stageOf } from "../rig/build-rig.ts";
import { runCommand } from "../rig/command-rig.ts";

const stages = [
  stageOf(mixKind(new Set()), "rows", { word: "ash", keep: 6 }),
  stageOf({ ...mixKind(new Set()), environment: ["compute"] }, "train", { word: "elm", keep: 6 }),
];

const lockedOn = (compute: { readonly [fact: string]: string }): Lockfile => {
  const entry = {
    uses: "mix",
    version: 1,
    key: digestOf("key").slice(7),
    inputs: {},
    outputs: {},
    metrics: {},
  };
  return {
    lockfile_version: 1,
    tunesmith: "1.0.0",
    pipeline: "test",
    sources: {},
    stages: {
      rows: { ...entry, params: { word: "ash", keep: 6 }, determinism: "exact" },
      train: { ...entry, params: { word: "elm", keep: 6 }, determinism: { compute } },
    },
  };
};

const here = { device: "cpu", instruction_set: "avx2" };

/** What a frozen run says before it begins: the exit code that keeps it from beginning, and stderr. */
async function check(lock: Lockfile) {
  await using rig = await BuildRig.create();
  const frozen = {
    pipeline: pipelineOf(stages),
    cache: rig.cache,
    targets: [],
    machine: { classes: { compute: here } },
  };
  const { exitCode, stderr } = await runCommand(
    { cwd: rig.folder },
    async (context) => (await checkFrozen({ ...frozen, context }, success(lock))) ?? 0,
  );
  return [exitCode, stderr];
}

test("frozen: on the locked class of machine there is nothing to say", async () => {
  assert.deepEqual(await check(lockedOn(here)), [0, ""]);
});

test("frozen: on another class it is said before the work, with the facts that differ", async () => {
  assert.deepEqual(await check(lockedOn({ ...here, instruction_set: "avx512" })), [
    0,
    `This machine is of another class than the locked one: metrics are compared within 3%, not bytes.
    compute.instruction_set: "avx512" -> "avx2"
`,
  ]);
});

test("frozen: a pipeline that is not the locked one does not begin", async () => {
  const lock = lockedOn(here);
  const { rows, train } = lock.stages;
  const edited = {
    ...lock,
    stages: { rows: rows!, train: { ...train!, params: { word: "oak" } } },
  };
  assert.deepEqual(await check(edited), [
    4,
    `✘ The lockfile would change: 1 field differs.
    hint: run without --frozen to accept the change, or restore what was locked
    code: lock-differs
    stages.train.params.word: "oak" -> "elm"
`,
  ]);
});
