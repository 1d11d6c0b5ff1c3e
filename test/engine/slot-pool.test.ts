import assert from "node:assert/strict";
import { test } from "node:test";
import { SlotPool, type Slots } from "../../engine/build/slot-pool.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { mixKind, stageOf } from "../rig/build-rig.ts";

const mix = mixKind(new Set());
const stage = (name: string, more: Partial<PipelineStage>) => stageOf(mix, name, {}, {}, more);

/** Runs stages that each take one turn of the event loop longer than it takes to start all that can start. */
async function traceOf(stages: readonly PipelineStage[], jobs: number, slots: Slots) {
  const pool = new SlotPool(jobs, slots);
  const trace: string[] = [];
  await Promise.all(
    stages.map((one) =>
      pool.run(one, async ({ gpus, lacking }) => {
        trace.push(`+${one.name}${gpus.map((id) => ` gpu ${id}`)}${lacking ? ` ${lacking}` : ""}`);
        await new Promise((done) => setTimeout(done, 10));
        trace.push(`-${one.name}`);
      }),
    ),
  );
  return trace;
}

const machine: Slots = { gpus: ["0", "1"], cpu: 4, memory_gb: 8 };

test("two stages on two devices get one each, the third waits and takes the first that is free", async () => {
  const resources = { gpu: 1 };
  const stages = ["a", "b", "c"].map((name) => stage(name, { resources }));
  assert.deepEqual(await traceOf(stages, 8, machine), [
    "+a gpu 0",
    "+b gpu 1",
    "-a",
    "+c gpu 0",
    "-b",
    "-c",
  ]);
});

test("memory and processors are never promised twice; a stage that fits passes one that waits", async () => {
  const stages = [
    stage("large", { resources: { gpu: 0, memory_gb: 6 } }),
    stage("second", { resources: { gpu: 0, memory_gb: 6 } }),
    stage("small", { resources: { gpu: 0, memory_gb: 2, cpu: 3 } }),
    stage("cores", { resources: { gpu: 0, cpu: 16 } }),
  ];
  assert.deepEqual(await traceOf(stages, 8, machine), [
    "+large",
    "+small",
    "-large",
    "+second",
    "-small",
    "+cores",
    "-second",
    "-cores",
  ]);
});

test("stages that share a mutex run one after the other; jobs limit all", async () => {
  const stages = [
    stage("a", { mutex: ["db"] }),
    stage("b", { mutex: ["db", "net"] }),
    stage("c", { mutex: ["other"] }),
  ];
  assert.deepEqual((await traceOf(stages, 8, machine)).slice(0, 3), ["+a", "+c", "-a"]);
  assert.deepEqual(await traceOf(stages, 1, machine), ["+a", "-a", "+c", "-c", "+b", "-b"]);
});

test("what the machine will never have is said; without devices, stages run without", async () => {
  const asks = [
    stage("gpus", { resources: { gpu: 3 } }),
    stage("memory", { resources: { gpu: 1, memory_gb: 9 } }),
  ];
  assert.deepEqual(await traceOf(asks, 1, machine), [
    "+gpus gpu: 3 (there are 2)",
    "+memory memory_gb: 9 (there are 8)",
    "-gpus",
    "-memory",
  ]);
  assert.deepEqual(await traceOf(asks.slice(0, 1), 1, { ...machine, gpus: [] }), [
    "+gpus",
    "-gpus",
  ]);
});
