import { BlobCorrupt, BlobMissing } from "./cache-error.ts";
import type { Digest } from "./digest.ts";
import { allManifests } from "./manifest-files.ts";
import type { Cache } from "./open-cache.ts";
import { fileOf } from "./sqlite-trace-store.ts";
import type { Trace } from "./trace-store.ts";
import { blobsOfTree } from "./tree-blobs.ts";

/** A result in the cache: a trace and all that belongs to it. */
export interface StoredResult {
  readonly trace: Trace;
  /** Of its manifest. */
  readonly path: string;
  /** Its name in the index. */
  readonly file: string;
  /** When its manifest was written, in milliseconds since 1970. */
  readonly written: number;
  /** The trees of its outputs and their files. */
  readonly blobs: ReadonlySet<Digest>;
}

/** All results of a cache. `onProgress` is told how many were looked at. */
export async function storedResults(
  cache: Cache,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<readonly StoredResult[]> {
  const results: StoredResult[] = [];
  const manifests = [...allManifests(cache.folder)];
  for (const [done, { trace, path }] of manifests.entries()) {
    onProgress(done, manifests.length);
    const facts = cache.folder.fileSystem.factsSync(path);
    if (facts === undefined) continue;
    const blobs = new Set<Digest>();
    for (const tree of Object.values(trace.outputs)) {
      blobs.add(tree);
      for (const digest of await filesOf(cache, tree)) blobs.add(digest);
    }
    const written = Number(facts.mtimeNs / 1_000_000n);
    results.push({ trace, path, file: fileOf(trace), written, blobs });
  }
  onProgress(manifests.length, manifests.length);
  return results;
}

/** What a tree names; nothing where it is gone: its stage runs again anyway. */
async function filesOf({ blobs }: Cache, tree: Digest): Promise<readonly Digest[]> {
  try {
    return blobsOfTree(await blobs.read(tree));
  } catch (error) {
    if (error instanceof BlobMissing || error instanceof BlobCorrupt) return [];
    throw error;
  }
}
