import { namingPathSync } from "./cache-error.ts";
import type { Digest } from "./digest.ts";
import type { DiskBlobStore } from "./disk-blob-store.ts";
import type { FileSystem } from "./file-system.ts";
import type { KnownFiles } from "./known-files.ts";

/**
 * Whether all these blobs are there with these sizes, unchanged since they were last found intact
 * or found intact now.
 */
export async function areIntact(
  asked: Iterable<{ readonly digest: Digest; readonly size: number }>,
  cache: { blobs: DiskBlobStore; known: KnownFiles; fileSystem: FileSystem },
): Promise<boolean> {
  for (const { digest, size } of asked) {
    const path = cache.blobs.pathOf(digest);
    const facts = namingPathSync("look at", path, () => cache.fileSystem.factsSync(path));
    if (facts?.kind === "file" && facts.size === size) {
      if (cache.known.digestOf(path, facts) === digest) continue;
    }
    if ((await cache.blobs.verify(digest)) !== "intact") return false;
    // Intact, so the size asked for is not that of these bytes.
    if (facts === undefined || facts.size !== size) return false;
    cache.known.remember(path, facts, digest);
  }
  return true;
}
