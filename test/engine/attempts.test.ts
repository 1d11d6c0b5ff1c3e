import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { HostPool } from "../../engine/build/host-pool.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import { type AnyStage, defineStage } from "../../engine/stage.ts";
import { BuildRig, stageOf, textArtifact } from "../rig/build-rig.ts";
import { isAlive } from "../rig/is-alive.ts";

const definition = {
  kind: "misbehave",
  version: 1,
  description: "Behaves as told.",
  params: {
    type: "object",
    properties: { how: { type: "string" } },
    additionalProperties: false,
  },
  inputs: {},
  outputs: { text: { type: textArtifact, description: "What it did." } },
  seeded: false,
  deterministic: true,
  environment: [],
} as const;

/** A stage that fails a few times, then gives the ids of its devices. */
function failing(times: number): AnyStage {
  let left = times;
  return defineStage({
    ...definition,
    async run({ device }) {
      if (left-- > 0) throw new StageFailure({ code: "told-to", message: `${left + 1} to go` });
      return { text: `devices: ${device.gpus?.join(",") ?? "none"}` };
    },
  });
}

/** What was said of a stage: its log, notices and end. */
const saidIn = (rig: BuildRig) =>
  rig.events.flatMap((event) => {
    if (event.type === "notice") return [`${event.code}: ${event.message}`];
    if (event.type !== "stage") return [];
    if (event.state === "log") return [event.line];
    return event.state === "failed" ? [`failed: ${event.problem.message}`] : [event.state];
  });

test("a stage is tried again as often as it may be; each attempt is in its log", async () => {
  await using rig = await BuildRig.create();
  const retries = { times: 2, wait: 0.01 };
  const outcome = await rig.run([stageOf(failing(2), "a", {}, {}, { retries })]);
  assert.deepEqual(saidIn(rig), [
    "started",
    "attempt 1 of 3 failed: 2 to go",
    'retry: "a": attempt 1 of 3 failed, the next starts in 0.01 s: 2 to go',
    "attempt 2 of 3 failed: 1 to go",
    'retry: "a": attempt 2 of 3 failed, the next starts in 0.02 s: 1 to go',
    "executed",
  ]);
  assert.equal(await rig.text(outcome, "a"), "devices: none");
  await rig.run([stageOf(failing(3), "a", {}, {}, { retries: { times: 1, wait: 0.01 } })], {
    forced: ["a"],
  });
  assert.equal(saidIn(rig).at(-1), "failed: 2 to go");
});

test("a stage is told which devices are its own", async () => {
  await using rig = await BuildRig.create();
  const slots = { gpus: ["3", "5"], cpu: 1, memory_gb: 1 };
  const stages = [stageOf(failing(0), "a", {}, {}, { resources: { gpu: 2 } })];
  const outcome = await rig.run(stages, { slots });
  assert.equal(await rig.text(outcome, "a"), "devices: 3,5");
  await rig.run([stageOf(failing(0), "a", {}, {}, { resources: { gpu: 3 } })], {
    slots,
    forced: ["a"],
  });
  assert.deepEqual(
    saidIn(rig).at(-1),
    "failed: The stage asks for more than this machine has: gpu: 3 (there are 2).",
  );
});

test("a stage that exceeds its timeout ends, and every process it started with it", async () => {
  await using rig = await BuildRig.create();
  const hosts = new HostPool({
    module: fileURLToPath(new URL("../rig/misbehaving-host.ts", import.meta.url)),
    args: [`${rig.folder}/cache`],
    environment: process.env,
    cwd: import.meta.dirname,
  });
  const stages = [stageOf(failing(0), "a", { how: "start others" }, {}, { timeout: 3 })];
  const outcome = await rig.run(stages, { hosts });
  hosts.close();
  const said = saidIn(rig);
  assert.deepEqual(outcome.failures, ["error"]);
  assert.match(said.at(-1)!, /^failed: The stage took longer than its timeout of 3 s/);
  const pids = said.flatMap((line) => /^started ([0-9]+)$/.exec(line)?.[1] ?? []);
  assert.equal(pids.length, 2);
  assert.deepEqual(
    pids.filter((pid) => isAlive(Number(pid))),
    [],
  );
});
