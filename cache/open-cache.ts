import type { CacheFolder } from "./cache-folder.ts";
import { prepareCacheFolder } from "./cache-folder.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";
import { FileDigests, memoryIn } from "./file-digest.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { SqliteIndex } from "./sqlite-index.ts";
import { rowsOfManifests, SqliteTraceStore } from "./sqlite-trace-store.ts";

/** A cache on the disk, open for use. Any number of processes may have it open at once. */
export interface Cache {
  readonly folder: CacheFolder;
  readonly blobs: DiskBlobStore;
  readonly traces: SqliteTraceStore;
  /** Digests of users' own files, remembered in this cache. */
  readonly files: FileDigests;
  close(): void;
}

/**
 * Opens the cache at a path, making it if nothing is there: `blobs/ manifests/ quarantine/ tmp/ logs/ locks/ index.sqlite CACHEDIR.TAG .gitignore`.
 * Throws a CacheError: `cache-folder-taken`, `cache-io`, `sqlite-too-old`, `sqlite-unavailable`.
 */
export async function openCache(
  root: string,
  { fileSystem = nodeFileSystem }: { fileSystem?: FileSystem } = {},
): Promise<Cache> {
  const folder = await prepareCacheFolder(root, fileSystem);
  const index = new SqliteIndex(folder, () => rowsOfManifests(folder));
  // Now rather than at the first question, so that a SQLite that cannot be used is reported here.
  index.read(() => undefined, undefined);
  return {
    folder,
    blobs: new DiskBlobStore(folder),
    traces: new SqliteTraceStore(folder, index),
    files: new FileDigests(memoryIn(index), fileSystem),
    close: () => index.close(),
  };
}
