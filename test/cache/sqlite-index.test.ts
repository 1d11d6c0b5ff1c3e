import assert from "node:assert/strict";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { openCache } from "../../cache/open-cache.ts";
import { isSafeSqlite, SqliteIndex } from "../../cache/sqlite-index.ts";
import { SqliteTraceStore } from "../../cache/sqlite-trace-store.ts";
import { sampleTrace } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const traces = ["a", "b", "c"].map((word) => sampleTrace(word));

const damages: Record<string, (index: string) => Promise<unknown> | unknown> = {
  "was deleted": (index) => rm(index),
  "is empty": (index) => writeFile(index, ""),
  "is garbage": (index) => writeFile(index, "garbage ".repeat(5000)),
  "is a folder": async (index) => {
    await rm(index);
    await mkdir(index);
  },
  "is of an older schema": (index) => edit(index, "PRAGMA user_version = 0"),
  "is of a newer schema": (index) => edit(index, "PRAGMA user_version = 99"),
  "is another program's": (index) => edit(index, "PRAGMA application_id = 7"),
  "has lost a table": (index) => edit(index, "DROP TABLE traces"),
  "has lost a column": (index) => edit(index, "ALTER TABLE traces DROP COLUMN manifest"),
  "has lost its rows": (index) => edit(index, "DELETE FROM traces"),
  "has a row under a wrong key": (index) =>
    edit(index, "UPDATE traces SET key = (SELECT max(key) FROM traces)"),
  "has a changed row": (index) =>
    edit(index, `UPDATE traces SET manifest = replace(manifest, '"seconds":1.5', '"seconds":2.5')`),
  "has a row that is no text": (index) => edit(index, "UPDATE traces SET manifest = x'00ff'"),
  "has a log of garbage": (index) => writeFile(`${index}-wal`, "garbage ".repeat(5000)),
  "has a folder for a log": (index) => mkdir(`${index}-wal`),
};

function edit(index: string, sql: string): void {
  const database = new Database(index);
  database.exec(sql);
  database.close();
}

for (const [state, damage] of Object.entries(damages)) {
  test(`an index that ${state} loses no trace`, async (t) => {
    const root = join(await temporaryFolder(t), "cache");
    const before = await openCache(root);
    for (const trace of traces) await before.traces.record(trace);
    before.close();
    await damage(before.folder.index);
    const cache = await openCache(root);
    t.after(() => cache.close());
    for (const trace of traces) assert.deepEqual(cache.traces.find(trace.key), [trace]);
    const added = sampleTrace("added");
    await cache.traces.record(added);
    assert.deepEqual(cache.traces.find(added.key), [added]);
  });
}

test("an index that breaks while it is open is made anew", async (t) => {
  const cache = await openCache(join(await temporaryFolder(t), "cache"));
  t.after(() => cache.close());
  for (const trace of traces) await cache.traces.record(trace);
  edit(cache.folder.index, "DROP TABLE traces");
  for (const trace of traces) assert.deepEqual(cache.traces.find(trace.key), [trace]);
  assert.equal(
    (await readdir(cache.folder.quarantine)).some((name) => name.startsWith("index.sqlite")),
    true,
  );
});

test("with the index out of reach, traces are found and recorded without it", async (t) => {
  const cache = await openCache(join(await temporaryFolder(t), "cache"));
  cache.close();
  const folder = { ...cache.folder, index: join(cache.folder.root, "nothing", "index.sqlite") };
  const store = new SqliteTraceStore(folder, new SqliteIndex(folder, () => []));
  for (const trace of traces) await store.record(trace);
  for (const trace of traces) assert.deepEqual(store.find(trace.key), [trace]);
  await store.forget(traces[0]!);
  assert.deepEqual(store.find(traces[0]!.key), []);
  store.recordRun({ id: "1", pipeline: "p", startedAt: "2026", seconds: 1, stages: [] });
  assert.deepEqual(store.lastRuns(), []);
});

test("a row lost in a power cut is found in its manifest and written again", async (t) => {
  const root = join(await temporaryFolder(t), "cache");
  const cache = await openCache(root);
  t.after(() => cache.close());
  await cache.traces.record(sampleTrace("a"));
  edit(cache.folder.index, "DELETE FROM traces");
  assert.deepEqual(cache.traces.find(sampleTrace("a").key), [sampleTrace("a")]);
  const database = new Database(cache.folder.index, { readonly: true });
  t.after(() => database.close());
  assert.equal(database.prepare("SELECT count(*) FROM traces").pluck().get(), 1);
});

test("runs that lie damaged in the index are left out, the others are told", async (t) => {
  const cache = await openCache(join(await temporaryFolder(t), "cache"));
  t.after(() => cache.close());
  const run = (id: string) => ({ id, pipeline: "p", startedAt: "2026", seconds: 1, stages: [] });
  for (const id of ["1", "2", "3"]) cache.traces.recordRun(run(id));
  edit(
    cache.folder.index,
    "UPDATE runs SET record = replace(record, 'seconds', 'sekonds') WHERE id = '2'",
  );
  assert.deepEqual(cache.traces.lastRuns(), [run("3"), run("1")]);
});

test("only SQLite versions without the WAL-reset bug are accepted", () => {
  for (const version of ["3.51.3", "3.51.10", "3.52.0", "3.53.2", "4.0.0"])
    assert.equal(isSafeSqlite(version), true, version);
  for (const version of ["3.51.2", "3.51", "3.7.0", "3.50.9", "2.99.99", "", "x"])
    assert.equal(isSafeSqlite(version), false, version);
});

test("opening and 500 finds take well under 50 ms of processor time", async (t) => {
  const root = join(await temporaryFolder(t), "cache");
  const many = Array.from({ length: 500 }, (_, i) => sampleTrace(`stage ${i}`));
  const before = await openCache(root);
  for (const trace of many) await before.traces.record(trace);
  before.close();
  assert.ok((await stat(before.folder.index)).size > 0);
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    // Processor time: a busy machine must not fail this.
    const start = process.cpuUsage();
    const cache = await openCache(root);
    const found = many.reduce((count, { key }) => count + cache.traces.find(key).length, 0);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
    cache.close();
    assert.equal(found, 500);
  }
  t.diagnostic(`open + 500 finds: ${times.map((time) => time.toFixed(1)).join(", ")} ms`);
  assert.ok(Math.min(...times) < 50, `${times}`);
});
