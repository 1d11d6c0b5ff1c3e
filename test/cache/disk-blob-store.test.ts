import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { digestOf, hexOf } from "../../cache/digest.ts";
import { nodeFileSystem, systemError } from "../../cache/file-system.ts";
import { openBlobStore } from "../../cache/open-blob-store.ts";
import { pieceBytes } from "../../cache/pieces.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

async function store(t: TestContext) {
  const root = join(await temporaryFolder(t), "cache");
  const blobs = await openBlobStore(root);
  return { root, blobs, quarantined: () => readdir(join(root, "quarantine")) };
}

/** Changes one bit of a file in place. */
async function flipBit(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const piece of pieces) count += piece.byteLength;
  return count;
}

test("blobs lie at blobs/ab/cdef…, read-only, with nothing left beside them", async (t) => {
  const { root, blobs } = await store(t);
  const digest = await blobs.put(Buffer.from("hello"));
  const hex = hexOf(digest);
  assert.equal(blobs.pathOf(digest), join(root, "blobs", hex.slice(0, 2), hex.slice(2)));
  assert.equal(await readFile(blobs.pathOf(digest), "utf8"), "hello");
  assert.equal((await lstat(blobs.pathOf(digest))).mode & 0o777, 0o444);
  assert.deepEqual(await readdir(join(root, "tmp")), []);
  assert.throws(() => blobs.pathOf("sha256:../../x" as typeof digest), { code: "digest-invalid" });
});

const sizes = { small: 10, large: 3 * pieceBytes };
const readers = ["read", "get", "materialize", "verify"] as const;

for (const [size, bytes] of Object.entries(sizes)) {
  for (const reader of readers) {
    test(`a flipped bit in a ${size} blob is found by ${reader}, and putting it again heals it`, async (t) => {
      const { root, blobs, quarantined } = await store(t);
      const content = Buffer.alloc(bytes, "content");
      const digest = await blobs.put(content);
      const out = join(root, "..", "out");
      const use = {
        read: () => blobs.read(digest),
        get: () => drain(blobs.get(digest)),
        materialize: () => blobs.materialize(digest, out),
        verify: () => blobs.verify(digest),
      }[reader];
      await use();
      await rm(out, { force: true });
      await flipBit(blobs.pathOf(digest), bytes - 1);
      if (reader === "verify") assert.equal(await use(), "corrupt");
      else await assert.rejects(use, { code: "blob-corrupt", digest });
      assert.equal((await quarantined()).length, 1);
      assert.equal(await blobs.has(digest), false);
      assert.deepEqual(await readdir(join(root, "..")), ["cache"]);
      assert.equal(await blobs.put(content), digest);
      assert.deepEqual(Buffer.from(await blobs.read(digest)), content);
    });
  }
}

test("not one byte of a damaged large blob is handed out", async (t) => {
  const { blobs } = await store(t);
  const digest = await blobs.put(Buffer.alloc(3 * pieceBytes, "x"));
  await flipBit(blobs.pathOf(digest), 3 * pieceBytes - 1);
  const pieces: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      for await (const piece of blobs.get(digest)) pieces.push(piece);
    },
    { code: "blob-corrupt" },
  );
  assert.equal(pieces.length, 0);
});

test("a blob remembered as intact is read again once it was touched", async (t) => {
  const { blobs } = await store(t);
  const digest = await blobs.put(Buffer.alloc(sizes.large, "x"));
  const path = blobs.pathOf(digest);
  assert.equal(await blobs.verify(digest), "intact");
  const { mtime, atime } = await lstat(path);
  await flipBit(path, 5);
  await utimes(path, atime, mtime);
  assert.equal(await blobs.verify(digest), "corrupt");
});

const replacements: Record<string, (path: string) => Promise<unknown>> = {
  "a folder": (path) => mkdir(path),
  "a folder with files": async (path) => {
    await mkdir(path);
    await writeFile(join(path, "x"), "x");
  },
  "a link to the right bytes": async (path) => {
    await writeFile(`${path}.elsewhere`, "hello");
    await symlink(`${path}.elsewhere`, path);
  },
  "a dangling link": (path) => symlink("/nonexistent/file", path),
  "a pipe": async (path) => void spawnSync("mkfifo", [path]),
  "an empty file": (path) => writeFile(path, ""),
  "a longer file": (path) => writeFile(path, "hello!"),
};

for (const [what, replace] of Object.entries(replacements)) {
  test(`${what} in a blob's place is found and healed`, async (t) => {
    const { blobs, quarantined } = await store(t);
    const digest = await blobs.put(Buffer.from("hello"));
    await unlink(blobs.pathOf(digest));
    await replace(blobs.pathOf(digest));
    await assert.rejects(blobs.read(digest), { code: "blob-corrupt" });
    assert.equal((await quarantined()).length, 1);
    await assert.rejects(blobs.read(digest), { code: "blob-missing" });
    await replace(blobs.pathOf(digest)).catch((error) => assert.equal(error.code, "EEXIST"));
    await blobs.put(Buffer.from("hello"));
    assert.equal(Buffer.from(await blobs.read(digest)).toString(), "hello");
    assert.equal((await lstat(blobs.pathOf(digest))).isFile(), true);
  });
}

test("two blobs that changed places are both found", async (t) => {
  const { blobs } = await store(t);
  const [one, two] = [await blobs.put(Buffer.from("1")), await blobs.put(Buffer.from("2"))];
  await rename(blobs.pathOf(one), `${blobs.pathOf(one)}.aside`);
  await rename(blobs.pathOf(two), blobs.pathOf(one));
  await rename(`${blobs.pathOf(one)}.aside`, blobs.pathOf(two));
  await assert.rejects(blobs.read(one), { code: "blob-corrupt" });
  await assert.rejects(blobs.read(two), { code: "blob-corrupt" });
});

test("a file where a shard's folder belongs gives way", async (t) => {
  const { blobs, root } = await store(t);
  const digest = digestOf("hello");
  const shard = join(root, "blobs", hexOf(digest).slice(0, 2));
  await writeFile(shard, "in the way");
  assert.equal(await blobs.has(digest), false);
  assert.equal(await blobs.verify(digest), "missing");
  assert.equal(await blobs.put(Buffer.from("hello")), digest);
  assert.equal(Buffer.from(await blobs.read(digest)).toString(), "hello");
});

test("a copy in the workspace is no link: editing it leaves the blob alone", async (t) => {
  const { blobs, root } = await store(t);
  const digest = await blobs.put(Buffer.from("hello"));
  const out = join(root, "..", "deep", "folder", "out.txt");
  await blobs.materialize(digest, out);
  const facts = await lstat(out);
  assert.deepEqual([facts.isFile(), facts.nlink, facts.mode & 0o777], [true, 1, 0o644]);
  await writeFile(out, "edited");
  assert.equal(await blobs.verify(digest), "intact");
  await symlink(out, join(root, "..", "link"));
  await blobs.materialize(digest, join(root, "..", "link"));
  assert.equal((await lstat(join(root, "..", "link"))).isFile(), true);
  assert.equal(await readFile(out, "utf8"), "edited");
});

test("only regular files can be kept", async (t) => {
  const { blobs, root } = await store(t);
  const link = join(root, "..", "link");
  await symlink(join(root, "CACHEDIR.TAG"), link);
  assert.equal(await blobs.putFile(link), digestOf(await readFile(join(root, "CACHEDIR.TAG"))));
  await assert.rejects(blobs.putFile(root), { code: "file-unusable" });
  await assert.rejects(blobs.putFile(join(root, "nothing")), { code: "file-unusable" });
  assert.deepEqual(await readdir(join(root, "tmp")), []);
});

test("in a cache that cannot be written to, a corrupt blob is still found", async (t) => {
  const { root, blobs } = await store(t);
  const digest = await blobs.put(Buffer.from("hello"));
  await flipBit(blobs.pathOf(digest), 0);
  const refuse = () => {
    throw systemError("EROFS", "rename", root);
  };
  const fileSystem = { ...nodeFileSystem, renameSync: refuse };
  const readOnly = await openBlobStore(root, { fileSystem });
  await assert.rejects(readOnly.read(digest), { code: "blob-corrupt" });
  await assert.rejects(readOnly.read(digest), { code: "blob-corrupt" });
});
