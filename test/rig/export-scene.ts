import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSynced } from "../../cache/durable-file.ts";
import type { FileSystem } from "../../cache/file-system.ts";
import { openCache } from "../../cache/open-cache.ts";
import { copyOut } from "../../cli/copy-out.ts";
import { loadTree } from "../../engine/build/artifact-tree.ts";
import { keyOf, sampleTrace, treeBytes } from "./sample-trace.ts";

/** What is exported: files at the top and below, small and large. */
const files: Readonly<Record<string, Buffer>> = {
  "a.txt": Buffer.from("a"),
  "sub/b.bin": Buffer.alloc(100_000, "b"),
  "sub/deep/c.txt": Buffer.from("c"),
};

/** A result in the project's cache, and a folder of the user's that holds an older export and a file of their own. */
export async function prepareExport(project: string, fileSystem: FileSystem): Promise<void> {
  const cache = await openCache(join(project, ".tunesmith"), { fileSystem });
  const stored: Record<string, { digest: `sha256:${string}`; bytes: number }> = {};
  for (const [path, bytes] of Object.entries(files))
    stored[path] = { digest: await cache.blobs.put(bytes), bytes: bytes.byteLength };
  const model = await cache.blobs.put(treeBytes(stored as Parameters<typeof treeBytes>[0]));
  await cache.traces.record(sampleTrace("exported", { outputs: { model } }));
  cache.close();
  const full = join(project, "full");
  await fileSystem.mkdir(full);
  await createSynced(fileSystem, join(full, "a.txt"), Buffer.from("an older a"));
  await createSynced(fileSystem, join(full, "mine.txt"), Buffer.from("mine"));
  await fileSystem.syncFolder(full);
  await fileSystem.syncFolder(project);
}

/** Exports the result into a new folder, then over the older one, as the command does. */
export async function exportTwice(project: string, fileSystem: FileSystem): Promise<void> {
  const cache = await openCache(join(project, ".tunesmith"), { fileSystem });
  const lease = cache.leases.take();
  try {
    const [trace] = cache.leases.inUse(keyOf("exported"), () =>
      cache.traces.find(keyOf("exported")),
    );
    const tree = await loadTree(trace!.outputs.model!, cache.blobs);
    const { signal } = new AbortController();
    for (const shown of ["new", "full"]) {
      const options = { folder: join(project, shown), shown, force: true, signal };
      assert.equal(await copyOut(tree!, cache, options), undefined);
    }
  } finally {
    lease.release();
    cache.close();
  }
}

/** Fails unless the new folder is whole or not there, and each file of the full one is the old or the new one. */
export async function assertExportsWhole(project: string, about: string): Promise<void> {
  const made = await contentsOf(join(project, "new"));
  if (made !== undefined) assert.deepEqual(made, files, about);
  const {
    "mine.txt": mine,
    "a.txt": replaced,
    ...rest
  } = (await contentsOf(join(project, "full")))!;
  assert.equal(String(mine), "mine", about);
  assert.ok(["a", "an older a"].includes(String(replaced)), about);
  for (const [path, bytes] of Object.entries(rest)) assert.deepEqual(bytes, files[path], about);
}

/** Fails unless both exports are complete. */
export async function assertExported(project: string, about: string): Promise<void> {
  assert.deepEqual(await contentsOf(join(project, "new")), files, about);
  const all = { ...files, "mine.txt": Buffer.from("mine") };
  assert.deepEqual(await contentsOf(join(project, "full")), all, about);
}

async function contentsOf(folder: string): Promise<Record<string, Buffer> | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  );
  if (entries === undefined) return undefined;
  const contents: Record<string, Buffer> = {};
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    contents[path.slice(folder.length + 1)] = await readFile(path);
  }
  return contents;
}
