import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openCache } from "../../cache/open-cache.ts";
import { verifyCache } from "../../cache/verify-cache.ts";
import { ProjectRig, type RunningCommand } from "../rig/project-rig.ts";

const files = {
  "data.csv": `text,label,source\n${Array.from({ length: 300 }, (_, n) => `"row ${n} says ${"abcdefgh"[n % 8]}${n * 7}",l${n % 3},s${n % 50}`).join("\n")}\n`,
  "x.tune.yaml": `name: kill
stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  clean: { uses: clean, in: rows, with: { rules: [unicode_nfc, lowercase] } }
  split: { uses: split, in: clean, with: { train: 0.8, test: 0.2, group: source } }
  tokenizer: { uses: train-tokenizer, in: split, with: { vocab_size: 200 } }
  tokens: { uses: tokenize, in: { dataset: split, tokenizer: tokenizer }, with: { max_length: 16 } }
`,
};
const LOCK = "x.tune.lock.yaml";

/** A deterministic random number in [0, 1) from the printed seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Process ids of a process's children, as Linux tells them. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

/** Kills the engine or a host after a while; a run that ended before is left as it is. */
async function killAfter(
  milliseconds: number,
  { process: engine }: RunningCommand,
  target: "engine" | "host",
) {
  await sleep(milliseconds);
  const [host] = childrenOf(engine.pid!);
  const victim = target === "engine" ? engine.pid! : host;
  if (engine.exitCode !== null || victim === undefined) return;
  try {
    process.kill(victim, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

test("killed at random moments, engine or host: the next run is right and the cache clean", async (t) => {
  const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 2 ** 31);
  const rounds = 50 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
  t.diagnostic(`seed ${seed}, ${rounds} kills`);
  const random = randomFrom(seed);
  await using undisturbed = await ProjectRig.create(files);
  const started = performance.now();
  assert.equal((await undisturbed.run(["x.tune.yaml"])).exitCode, 0);
  const duration = performance.now() - started;
  const lock = await undisturbed.read(LOCK);
  for (let round = 0; round < rounds; round++) {
    await using rig = await ProjectRig.create(files);
    const target = round % 2 === 0 ? "engine" : "host";
    const moment = random() * duration;
    const killed = rig.start(["run", "x.tune.yaml"]);
    await killAfter(moment, killed, target);
    await killed.result;
    const where = `round ${round}: ${target} killed after ${moment.toFixed(0)} ms`;
    const { exitCode, failed } = await rig.run(["x.tune.yaml"]);
    assert.deepEqual({ exitCode, failed }, { exitCode: 0, failed: [] }, where);
    assert.equal(await rig.read(LOCK), lock, where);
    await assertClean(join(rig.folder, ".tunesmith"), where);
  }
});

async function assertClean(folder: string, where: string): Promise<void> {
  const cache = await openCache(folder);
  try {
    const { blobs, manifests, failures } = await verifyCache(cache);
    const { corrupt, dropped } = manifests;
    assert.deepEqual(
      { blobs: blobs.corrupt, corrupt, dropped, failures },
      { blobs: [], corrupt: [], dropped: [], failures: [] },
      where,
    );
  } finally {
    cache.close();
  }
}
