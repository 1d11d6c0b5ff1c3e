import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import type { ClaimHolder } from "../../cache/build-claims.ts";
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
  const hold = (holder: { pid: number; host: string; beat: number }) => {
    const database = new Database(one.folder.index);
    database
      .prepare("INSERT OR REPLACE INTO claims VALUES (?, 'theirs', @pid, @host, @beat)")
      .run(key, holder);
    database.close();
  };
  return { one: one.claims, two: two.claims, hold, close: () => one.close() };
}

test("a key is claimed by one at a time, in turn", async (t) => {
  const { one, two } = await twoCaches(t);
  const events: string[] = [];
  const first = await one.claim(key);
  const holders: ClaimHolder[] = [];
  const second = two.claim(key, { onWait: (holder) => holders.push(holder) }).then((claim) => {
    events.push("second claims");
    return claim;
  });
  await wait(100);
  events.push("first releases");
  first.release();
  first.release();
  (await second).release();
  assert.deepEqual(events, ["first releases", "second claims"]);
  assert.deepEqual(
    holders.map(({ pid, host }) => ({ pid, host })),
    [{ pid: process.pid, host: hostname() }],
  );
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
const holders = {
  "a process that ended": { pid: dead, host: hostname(), beat: Date.now(), isVoid: true },
  "another process under its number": {
    pid: process.pid,
    host: hostname(),
    beat: silent,
    isVoid: true,
  },
  "a machine that went silent": { pid: dead, host: "elsewhere", beat: silent, isVoid: true },
  "a clock that jumped back": {
    pid: process.pid,
    host: hostname(),
    beat: Date.now() + 1e9,
    isVoid: true,
  },
  "a living process": { pid: process.pid, host: hostname(), beat: Date.now(), isVoid: false },
  "a process on another machine": { pid: dead, host: "elsewhere", beat: Date.now(), isVoid: false },
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
