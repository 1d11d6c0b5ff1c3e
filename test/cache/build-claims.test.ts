import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import { thisProcess } from "../../cache/living-process.ts";
import { openCache } from "../../cache/open-cache.ts";
import { keyOf } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const key = keyOf("train");

async function twoCaches(t: TestContext) {
  const root = join(await temporaryFolder(t), "cache");
  const [one, two] = [await openCache(root), await openCache(root)];
  t.after(() => {
    one.close();
    two.close();
  });
  const hold = (holder: { pid: number; host: string; started: string; beat: number }) => {
    const database = new Database(one.folder.index);
    database
      .prepare("INSERT OR REPLACE INTO claims VALUES (?, 'theirs', @pid, @host, @started, @beat)")
      .run(key, holder);
    database.close();
  };
  return { one: one.claims, two: two.claims, hold, close: () => one.close() };
}

test("a key is claimed by one at a time, in turn", async (t) => {
  const { one, two } = await twoCaches(t);
  const events: string[] = [];
  const first = await one.claim(key);
  const refused = two.tryClaim(key);
  const second = two.claim(key).then((claim) => {
    events.push("second claims");
    return claim;
  });
  await wait(100);
  events.push("first releases");
  first.release();
  first.release();
  (await second).release();
  assert.deepEqual(events, ["first releases", "second claims"]);
  assert.ok("holder" in refused);
  const { pid, host } = refused.holder;
  assert.deepEqual({ pid, host }, { pid: process.pid, host: hostname() });
  (await one.claim(key)).release();
});

test("other keys do not wait", async (t) => {
  const { one, two } = await twoCaches(t);
  const claim = await one.claim(key);
  (await two.claim(keyOf("split"))).release();
  claim.release();
});

test("closing a cache releases its claims", async (t) => {
  const { one, two, close } = await twoCaches(t);
  await one.claim(key);
  close();
  (await two.claim(key)).release();
});

test("waiting ends when the signal aborts", async (t) => {
  const { one, two } = await twoCaches(t);
  await one.claim(key);
  await assert.rejects(two.claim(key, { signal: AbortSignal.timeout(50) }), {
    name: /AbortError|TimeoutError/,
  });
});

const silent = Date.now() - 61_000;
const dead = spawnSync(process.execPath, ["-e", ""]).pid;
const here = { host: hostname(), started: "", beat: Date.now() };
const { started } = thisProcess(0);
const holders = {
  "a process that ended": { ...here, pid: dead, isVoid: true },
  "another process under its number": {
    ...here,
    pid: process.pid,
    started: "a-boot 12345",
    isVoid: true,
  },
  "a process that gives no sign": { ...here, pid: process.pid, beat: silent, isVoid: true },
  "a machine that went silent": {
    ...here,
    pid: dead,
    host: "elsewhere",
    beat: silent,
    isVoid: true,
  },
  "a clock that jumped back": {
    ...here,
    pid: process.pid,
    beat: Date.now() + 1e9,
    isVoid: true,
  },
  "a living process": { ...here, pid: process.pid, started, isVoid: false },
  "a process on another machine": { ...here, pid: dead, host: "elsewhere", isVoid: false },
};

for (const [who, { isVoid, ...holder }] of Object.entries(holders)) {
  test(`a claim of ${who} ${isVoid ? "is void" : "holds"}`, async (t) => {
    const { one, hold } = await twoCaches(t);
    hold(holder);
    const claim = one.claim(key, { signal: AbortSignal.timeout(200) });
    if (isVoid) (await claim).release();
    else await assert.rejects(claim, { name: /AbortError|TimeoutError/ });
  });
}
