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

const scriptAt = (name: string) => fileURLToPath(new URL(`../rig/${name}`, import.meta.url));
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

function start(script: string, ...given: readonly (string | number)[]): Writer {
  const child = spawn(process.execPath, [
    "--import",
    "tsx",
    scriptAt(script),
    ...given.map(String),
  ]);
  const recorded: string[] = [];
  let complaints = "";
  child.stderr.on("data", (text) => (complaints += text));
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, "line").then(() => lines.on("line", (word) => recorded.push(word)));
  const ended = once(child, "close").then(([code, signal]) => `${signal ?? code}${complaints}`);
  return { process: child, recorded, ready, ended };
}

/** Starts writers that wait for each other before they open the cache. */
async function together(writers: readonly Writer[]): Promise<readonly Writer[]> {
  await Promise.all(writers.map(({ ready }) => ready));
  for (const writer of writers) writer.process.stdin?.write("go\n");
  return writers;
}

const fourWriters = (root: string, words: number) =>
  together([0, 1, 2, 3].map((i) => start("cache-writer.ts", root, `writer ${i}`, words)));

test("processes that create and fill one cache at once lose nothing", async (t) => {
  const root = join(await temporaryFolder(t), "cache");
  const writers = await fourWriters(root, 40);
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
    const writers = await fourWriters(root, 10_000);
    const killed = writers.map(async (writer) => {
      await wait(random() * 400);
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

test("processes that need the same traces build each once, and one that is killed holds nobody up", async (t) => {
  const root = join(await temporaryFolder(t), "cache");
  const builders = await together([0, 1, 2].map(() => start("cache-builder.ts", root, 100)));
  await once(builders[0]!.process.stdout!, "data");
  await wait(100);
  builders[0]!.process.kill("SIGKILL");
  const ends = await Promise.all(builders.map(({ ended }) => ended));
  assert.deepEqual(ends.slice(1), ["0", "0"]);
  const built = builders.flatMap(({ recorded }) => recorded);
  const words = Array.from({ length: 100 }, (_, i) => `word ${i}`);
  // The killed one may have recorded a word that it had no time to tell of.
  const untold = words.filter((word) => !built.includes(word));
  assert.ok(untold.length <= (ends[0] === "SIGKILL" ? 1 : 0), `${untold}`);
  assert.deepEqual([...built, ...untold].sort(), [...words].sort());
});
