import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { collectGarbage } from "../../cache/collect-garbage.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { recipeOf, traceKeyOf } from "../../engine/build/recipe.ts";
import type { AnyStage } from "../../engine/stage.ts";
import { mixKind } from "../rig/build-rig.ts";
import { buildSevenStages, sevenStages } from "../rig/seven-stages.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { startWorker } from "../rig/worker-process.ts";

const rounds = 50 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
const all = ["rows", "clean", "left", "right", "tokens", "train", "save"];

test("two runs of one pipeline started together on one cache execute each key once", async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, "cache");
  const workers = await Promise.all(
    ["one", "two"].map(async (name) => {
      await mkdir(join(folder, name));
      const worker = await startWorker(root, join(folder, name));
      t.after(() => worker.kill());
      return worker;
    }),
  );
  let waits = 0;
  for (let round = 0; round < rounds; round++) {
    const runs = await Promise.all(workers.map((worker) => worker.run(`round ${round}`)));
    const executed = runs.flatMap((run) => run.executed);
    assert.deepEqual(executed.sort(), [...all].sort(), `round ${round}`);
    for (const { failed, notices } of runs) {
      assert.deepEqual(failed, [], `round ${round}`);
      waits += notices.filter((code) => code === "built-elsewhere").length;
    }
  }
  t.diagnostic(`${rounds} rounds, ${waits} waits for the other`);
  assert.deepEqual(await Promise.all(workers.map((worker) => worker.stop())), ["0", "0"]);
  const cache = await openCache(root);
  t.after(() => cache.close());
  assert.equal(exitBitsOf(await verifyCache(cache)), 0);
});

test("a run waits for a key that another process builds, and takes over within 2 s when that one is killed", async (t) => {
  const folder = await temporaryFolder(t);
  const cache = await openCache(join(folder, "cache"));
  t.after(() => cache.close());
  const worker = await startWorker(cache.folder.root, folder);
  // A stage whose word says so takes a minute in the worker.
  const theirs = worker.run("endless").catch(() => "killed");
  const recipe = recipeOf(sevenStages(folder, "endless")[0]!, {
    inputs: {},
    sources: [],
    facts: {},
  });
  await untilClaimed(cache, traceKeyOf(recipe));
  let [killed, takenOver] = [0, 0];
  const mix = mixKind(new Set());
  const timed: AnyStage = {
    ...mix,
    run(context) {
      takenOver ||= performance.now();
      return mix.run(context);
    },
  };
  const ours = buildSevenStages(cache, {
    project: folder,
    word: "endless",
    mix: timed,
    onNotice: () => {
      killed = performance.now();
      worker.kill();
    },
  });
  assert.deepEqual(await ours, {
    executed: all,
    cached: [],
    failed: [],
    notices: ["built-elsewhere"],
    problems: [],
  });
  assert.equal(await theirs, "killed");
  assert.ok(takenOver - killed < 2000, `${takenOver - killed} ms`);
});

test("eight processes beside a collection that takes all it may: no input is ever lost", async (t) => {
  const folder = await temporaryFolder(t);
  const options = { graceMilliseconds: 60 };
  const cache = await openCache(join(folder, "cache"), options);
  t.after(() => cache.close());
  const names = Array.from({ length: 8 }, (_, i) => `worker ${i}`);
  let isDone = false;
  let removed = 0;
  const executed = { first: 0, again: 0 };
  const working = names.map(async (name) => {
    await mkdir(join(folder, name));
    const worker = await startWorker(cache.folder.root, join(folder, name), options);
    t.after(() => worker.kill());
    for (let round = 0; round < rounds / 5; round++) {
      const run = await worker.run(["ash", "elm", "oak"][round % 3]!);
      assert.deepEqual(
        { failed: run.failed, lost: run.notices.includes("healing") },
        { failed: [], lost: false },
      );
      executed[round < 3 ? "first" : "again"] += run.executed.length;
    }
    assert.equal(await worker.stop(), "0");
  });
  const collecting = (async () => {
    while (!isDone) {
      removed += (await collectGarbage(cache, { maxBytes: 0 })).results.removed;
      await wait(1);
    }
  })();
  await Promise.all(working).finally(() => {
    isDone = true;
  });
  await collecting;
  t.diagnostic(`${removed} results collected, ${executed.again} stages executed again`);
  assert.ok(removed > 20);
  assert.equal(exitBitsOf(await verifyCache(cache)), 0);
});

async function untilClaimed({ claims }: Cache, key: TraceKey): Promise<void> {
  for (;;) {
    const attempt = claims.tryClaim(key);
    if ("holder" in attempt) return;
    attempt.claim.release();
    await wait(10);
  }
}
