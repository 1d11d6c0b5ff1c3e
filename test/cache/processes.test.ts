import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { generator } from "../rig/case-data.ts";
import { keyOf } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const script = fileURLToPath(new URL("../rig/cache-writer.ts", import.meta.url));
const rounds = 5 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);

interface Writer {
  readonly process: ChildProcess;
  /** The words it said it has recorded. */
  readonly recorded: string[];
  readonly ready: Promise<unknown>;
  /** Its exit status, or the signal that ended it, with what it wrote to stderr. */
  readonly ended: Promise<string>;
}

function startWriter(root: string, name: string, count: number): Writer {
  const child = spawn(process.execPath, ["--import", "tsx", script, root, name, `${count}`]);
  const recorded: string[] = [];
  let complaints = "";
  child.stderr.on("data", (text) => (complaints += text));
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, "line").then(() => lines.on("line", (word) => recorded.push(word)));
  const ended = once(child, "close").then(([code, signal]) => `${signal ?? code}${complaints}`);
  return { process: child, recorded, ready, ended };
}

async function startTogether(root: string, count: number, words: number): Promise<Writer[]> {
  const writers = Array.from({ length: count }, (_, i) => startWriter(root, `writer ${i}`, words));
  await Promise.all(writers.map(({ ready }) => ready));
  for (const writer of writers) writer.process.stdin?.write("go\n");
  return writers;
}

test("processes that create and fill one cache at once lose nothing", async (t) => {
  const root = join(await temporaryFolder(t), "cache");
  const writers = await startTogether(root, 4, 40);
  assert.deepEqual(await Promise.all(writers.map(({ ended }) => ended)), ["0", "0", "0", "0"]);
  const cache = await openCache(root);
  t.after(() => cache.close());
  const words = new Set(writers.flatMap(({ recorded }) => recorded));
  assert.equal(words.size, 20 + 4 * 20);
  for (const word of words) assert.equal(cache.traces.find(keyOf(word)).length, 1, word);
  assert.deepEqual(
    cache.traces
      .lastRuns()
      .map(({ id }) => id)
      .sort(),
    ["writer 0", "writer 1", "writer 2", "writer 3"],
  );
  const report = await verifyCache(cache);
  assert.deepEqual([exitBitsOf(report), report.manifests.intact], [0, words.size]);
});

test("writers killed at random moments leave a sound cache with all they had recorded", async (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = generator(seed);
  const root = join(await temporaryFolder(t), "cache");
  const words = new Set<string>();
  let kills = 0;
  for (let round = 0; round < rounds; round++) {
    const writers = await startTogether(root, 4, 10_000);
    const killed = writers.map(async (writer) => {
      await wait(random() * 200);
      writer.process.kill("SIGKILL");
      return writer.ended;
    });
    for (const end of await Promise.all(killed)) {
      assert.equal(end, "SIGKILL");
      kills++;
    }
    for (const word of writers.flatMap(({ recorded }) => recorded)) words.add(word);
    const cache = await openCache(root);
    for (const word of words) assert.equal(cache.traces.find(keyOf(word)).length, 1, word);
    const report = await verifyCache(cache);
    assert.equal(exitBitsOf(report), 0, JSON.stringify(report));
    assert.deepEqual(await readdir(cache.folder.temporary), []);
    cache.close();
  }
  t.diagnostic(`${kills} writers killed, ${words.size} traces recorded`);
});
