import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf, hexOf } from "../../cache/digest.ts";
import { writeFileDurably } from "../../cache/durable-file.ts";
import { openCache } from "../../cache/open-cache.ts";
import { faultyFileSystem } from "../rig/faulty-file-system.ts";
import { keyOf, sampleTrace } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const layout = [
  ".gitignore",
  "CACHEDIR.TAG",
  "blobs",
  "index.sqlite",
  "logs",
  "manifests",
  "origins",
  "quarantine",
  "tmp",
];

test("opening makes the whole layout, hidden from git and from backups", async (t) => {
  const root = join(await temporaryFolder(t), "deep", ".tunesmith");
  (await openCache(root)).close();
  assert.deepEqual(await readdir(root), layout);
  assert.equal(await readFile(join(root, ".gitignore"), "utf8"), "*\n");
  const tag = await readFile(join(root, "CACHEDIR.TAG"), "utf8");
  assert.ok(tag.startsWith("Signature: 8a477f597d28d172789f06886806bc55\n"));
});

test("a folder that holds other files is refused and left alone", async (t) => {
  const root = await temporaryFolder(t);
  await writeFile(join(root, "thesis.txt"), "all my work");
  await assert.rejects(openCache(root), { code: "cache-folder-taken", message: /thesis\.txt/ });
  assert.deepEqual(await readdir(root), ["thesis.txt"]);
});

test("what a process that died left in tmp is removed, what a living one writes is not", async (t) => {
  const root = await temporaryFolder(t);
  (await openCache(root)).close();
  const host = hexOf(digestOf(hostname())).slice(0, 8);
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  const names = {
    dead: `${dead}.${host}.aaaa`,
    living: `${process.pid}.${host}.bbbb`,
    elsewhere: `${dead}.01234567.cccc`,
    forgotten: `${dead}.01234567.dddd`,
  };
  for (const name of Object.values(names)) await writeFile(join(root, "tmp", name), "half");
  const twoHoursAgo = Date.now() / 1000 - 7200;
  await utimes(join(root, "tmp", names.forgotten), twoHoursAgo, twoHoursAgo);
  (await openCache(root)).close();
  assert.deepEqual(
    (await readdir(join(root, "tmp"))).sort(),
    [names.living, names.elsewhere].sort(),
  );
});

test("folders of the cache that were removed are made again", async (t) => {
  const root = await temporaryFolder(t);
  (await openCache(root)).close();
  await rmAll(root, ["blobs", "manifests", "quarantine", "tmp", "logs"]);
  await writeFile(join(root, "quarantine"), "in the way");
  const cache = await openCache(root);
  t.after(() => cache.close());
  const digest = await cache.blobs.put(Buffer.from("x"));
  await cache.traces.record(sampleTrace("a", { outputs: { rows: digest } }));
  assert.equal(cache.traces.find(keyOf("a")).length, 1);
});

async function rmAll(root: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(root, name), { recursive: true });
}

test("opening a cache that stands is a handful of file calls", async (t) => {
  const root = await temporaryFolder(t);
  (await openCache(root)).close();
  const faulty = faultyFileSystem();
  (await openCache(root, { fileSystem: faulty.fileSystem })).close();
  assert.ok(faulty.calls <= 15, faulty.names.join(" "));
});

test("a file is written whole or not at all, and nothing is left beside it", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "a.tune.lock.yaml");
  await writeFileDurably(path, "old");
  const calls = faultyFileSystem();
  await writeFileDurably(path, "old", calls);
  assert.deepEqual(calls.names, ["readdirSync", "open", "write", "sync", "rename", "syncFolder"]);
  for (let at = 1; at <= calls.calls; at++) {
    const { fileSystem } = faultyFileSystem({ at, code: "ENOSPC" });
    await assert.rejects(writeFileDurably(path, "new", { fileSystem }), {
      code: "cache-io",
      message: new RegExp(`Could not write ${path}: ENOSPC`),
      hint: /disk is full/,
    });
    assert.equal(await readFile(path, "utf8"), at < 6 ? "old" : "new");
    assert.deepEqual(await readdir(folder), ["a.tune.lock.yaml"]);
  }
});

test("mkdir of the cache under a file is an I/O failure that names the path", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "sub"));
  await writeFile(join(folder, "file"), "");
  await assert.rejects(openCache(join(folder, "file", "cache")), {
    code: "cache-io",
    message: new RegExp(`${join(folder, "file", "cache")}: ENOTDIR`),
  });
});
