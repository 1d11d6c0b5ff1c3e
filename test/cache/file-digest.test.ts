import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import { digestOf } from "../../cache/digest.ts";
import { openCache } from "../../cache/open-cache.ts";
import { faultyFileSystem } from "../rig/faulty-file-system.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

/** A cache that counts how often a user's file is opened to be read. */
async function countingCache(t: TestContext) {
  const folder = await temporaryFolder(t);
  const counting = faultyFileSystem();
  const { settle, now } = clock();
  const cache = await openCache(join(folder, "cache"), { fileSystem: counting.fileSystem, now });
  t.after(() => cache.close());
  const reads = () => counting.names.filter((name) => name === "openFollowing").length;
  return { folder, cache, reads, settle, file: join(folder, "data.csv") };
}

const longAgo = new Date("2020-01-01");

/**
 * A clock on which `settle` lets so much time pass that a file written before is trusted to show
 * its next change.
 */
function clock() {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    settle: async () => {
      // Past the grain of the file system's own clock, which does not jump.
      await wait(20);
      ahead += 2000;
    },
  };
}

test("a file is read once and remembered, also by the next process", async (t) => {
  const { folder, cache, reads, file, settle } = await countingCache(t);
  await writeFile(file, "text");
  await settle();
  const expected = { digest: digestOf("text"), bytes: 4 };
  assert.deepEqual(await cache.files.ofFile(file), expected);
  assert.deepEqual(await cache.files.ofFile(file), expected);
  assert.equal(reads(), 1);
  cache.close();
  const counting = faultyFileSystem();
  const next = await openCache(join(folder, "cache"), counting);
  t.after(() => next.close());
  assert.deepEqual(await next.files.ofFile(file), expected);
  assert.equal(counting.names.includes("openFollowing"), false);
});

test("any change is seen, with size and time of change put back too", async (t) => {
  const { folder, cache, file, settle } = await countingCache(t);
  await writeFile(file, "text");
  await utimes(file, longAgo, longAgo);
  await settle();
  assert.equal((await cache.files.ofFile(file)).digest, digestOf("text"));
  await writeFile(file, "next");
  await utimes(file, longAgo, longAgo);
  assert.equal((await cache.files.ofFile(file)).digest, digestOf("next"));
  await writeFile(join(folder, "other"), "more");
  await utimes(join(folder, "other"), longAgo, longAgo);
  await rename(join(folder, "other"), file);
  assert.equal((await cache.files.ofFile(file)).digest, digestOf("more"));
  await rm(file);
  await symlink(join(folder, "linked"), file);
  await writeFile(join(folder, "linked"), "link");
  assert.equal((await cache.files.ofFile(file)).digest, digestOf("link"));
});

test("a file that was just written is read each time: its clock may not have ticked", async (t) => {
  const { cache, reads, file } = await countingCache(t);
  await writeFile(file, "text");
  await cache.files.ofFile(file);
  await cache.files.ofFile(file);
  assert.equal(reads(), 2);
});

test("a file from the future is never remembered", async (t) => {
  const { cache, reads, file, settle } = await countingCache(t);
  await writeFile(file, "text");
  const future = new Date(Date.now() + 1e9);
  await utimes(file, future, future);
  await settle();
  await cache.files.ofFile(file);
  await cache.files.ofFile(file);
  assert.equal(reads(), 2);
});

test("a remembered digest that lies damaged in the index is not used", async (t) => {
  const { folder, cache, file, settle } = await countingCache(t);
  await writeFile(file, "text");
  await settle();
  await cache.files.ofFile(file);
  cache.close();
  const database = new Database(cache.folder.index);
  const wrong = digestOf("wrong");
  const changed = database
    .prepare("UPDATE file_digests SET record = replace(record, ?, ?)")
    .run(digestOf("text"), wrong).changes;
  database.close();
  assert.equal(changed, 1);
  const next = await openCache(join(folder, "cache"));
  t.after(() => next.close());
  assert.equal((await next.files.ofFile(file)).digest, digestOf("text"));
});

test("what is no regular file is refused, without waiting for a pipe", async (t) => {
  const { folder, cache } = await countingCache(t);
  spawnSync("mkfifo", [join(folder, "pipe")]);
  for (const name of ["pipe", "cache", "nothing", "cache/CACHEDIR.TAG/x"]) {
    await assert.rejects(cache.files.ofFile(join(folder, name)), { code: "file-unusable" }, name);
  }
});

test("a folder's digest covers the paths and bytes of its files, and nothing else", async (t) => {
  const { folder, cache } = await countingCache(t);
  const model = join(folder, "model");
  await mkdir(join(model, "onnx", "empty"), { recursive: true });
  for (const name of ["b", "a", "onnx/x", "onnx.json", "B"])
    await writeFile(join(model, name), name);
  await symlink(join(model, "a"), join(model, "link"));
  const expected = ["B", "a", "b", "link", "onnx.json", "onnx/x"].map((path) => {
    const text = path === "link" ? "a" : path;
    return { path, digest: digestOf(text), bytes: text.length };
  });
  const found = await cache.files.ofFolder(model);
  assert.deepEqual(found.files, expected);
  const listed = JSON.stringify(expected.map(({ path, digest }) => [path, digest]));
  assert.equal(found.digest, digestOf(listed));
  await rename(model, join(folder, "moved"));
  await rm(join(folder, "moved", "link"));
  await writeFile(join(folder, "moved", "link"), "a");
  assert.equal((await cache.files.ofFolder(join(folder, "moved"))).digest, found.digest);
  await rename(join(folder, "moved", "a"), join(folder, "moved", "c"));
  assert.notEqual((await cache.files.ofFolder(join(folder, "moved"))).digest, found.digest);
});

test("skipped paths do not count, and a folder inside itself is refused", async (t) => {
  const { folder, cache } = await countingCache(t);
  const model = join(folder, "model");
  await mkdir(join(model, ".git"), { recursive: true });
  await writeFile(join(model, ".git", "HEAD"), "x");
  await writeFile(join(model, "a"), "a");
  const isSkipped = (path: string) => path === ".git";
  const { files } = await cache.files.ofFolder(model, { isSkipped });
  assert.deepEqual(
    files.map(({ path }) => path),
    ["a"],
  );
  await symlink(model, join(model, "self"));
  await assert.rejects(cache.files.ofFolder(model), {
    code: "file-unusable",
    message: /contains it/,
  });
  await assert.rejects(cache.files.ofFolder(join(folder, "nothing")), { code: "cache-io" });
});

test("blobs are known to be intact until one is touched", async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, "cache");
  const { settle, now } = clock();
  const before = await openCache(root, { now });
  const bytes = Buffer.alloc(100_000, "x");
  const blob = { digest: await before.blobs.put(bytes), size: bytes.byteLength };
  const path = before.blobs.pathOf(blob.digest);
  await settle();
  assert.equal(await before.areIntact([blob]), true);
  before.close();
  const counting = faultyFileSystem();
  const cache = await openCache(root, counting);
  t.after(() => cache.close());
  assert.equal(await cache.areIntact([blob]), true);
  assert.equal(counting.names.includes("open"), false);
  assert.equal(await cache.areIntact([{ ...blob, size: 99_999 }]), false);
  const { atime, mtime } = await stat(path);
  await rm(path);
  await writeFile(path, bytes.fill("y", 500, 501));
  await utimes(path, atime, mtime);
  assert.equal(await cache.areIntact([blob]), false);
  assert.equal(await cache.blobs.has(blob.digest), false);
  assert.equal(await cache.areIntact([blob]), false);
  assert.equal(await cache.areIntact([]), true);
});

test("paranoid, a file is read again although nothing of it seems to have changed", async (t) => {
  const folder = await temporaryFolder(t, { "data.csv": "one" });
  // Long after the file was written, so that its digest is remembered.
  const now = () => Date.now() + 60_000;
  const readsOf = async (isParanoid: boolean) => {
    const { fileSystem, names } = faultyFileSystem();
    const cache = await openCache(join(folder, "cache"), { fileSystem, now, isParanoid });
    const { digest } = await cache.files.ofFile(join(folder, "data.csv"));
    cache.close();
    assert.equal(digest, digestOf("one"));
    return names.filter((name) => name === "openFollowing").length;
  };
  assert.deepEqual([await readsOf(false), await readsOf(false), await readsOf(true)], [1, 0, 1]);
});
