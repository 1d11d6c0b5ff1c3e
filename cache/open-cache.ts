import { BuildClaims } from "./build-claims.ts";
import { namingPathSync } from "./cache-error.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { prepareCacheFolder } from "./cache-folder.ts";
import { Chores } from "./chores.ts";
import type { Digest } from "./digest.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";
import { FileDigests } from "./file-digest.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { defaultGrace, type GraceOptions } from "./grace.ts";
import { areIntact } from "./intact-blobs.ts";
import { KnownFiles } from "./known-files.ts";
import { LockRoots } from "./lock-roots.ts";
import { RunLeases } from "./run-leases.ts";
import { type Prepare, SqliteIndex } from "./sqlite-index.ts";
import { rowsOfManifests, SqliteTraceStore } from "./sqlite-trace-store.ts";

/** A cache on the disk, open for use. Any number of processes may have it open at once. */
export interface Cache {
  readonly folder: CacheFolder;
  readonly blobs: DiskBlobStore;
  readonly traces: SqliteTraceStore;
  /** Digests of users' own files, remembered in this cache. */
  readonly files: FileDigests;
  /** Lets processes that share the cache build each key once. */
  readonly claims: BuildClaims;
  /** Keeps a collection away from what running pipelines use. */
  readonly leases: RunLeases;
  /** When the cache was last tidied up. */
  readonly chores: Chores;
  /** Lockfiles of all projects that use the cache. */
  readonly roots: LockRoots;
  /**
   * Runs queries in one transaction that no other process's comes between. Throws a CacheError
   * (`cache-io`) where the index is out of reach.
   */
  index<T>(use: (prepare: Prepare) => T): T;
  /** The time in milliseconds since 1970. */
  now(): number;
  readonly graceMilliseconds: number;
  /**
   * Whether all these blobs are there with these sizes, and each is the very file, untouched, that
   * was last found intact; what was not seen before is read and verified. So a change to any blob
   * is found although nothing reads it. Corrupt blobs are in quarantine afterwards.
   */
  areIntact(blobs: Iterable<{ readonly digest: Digest; readonly size: number }>): Promise<boolean>;
  close(): void;
}

/** What a cache stands on; tests give their own. */
export interface CacheOptions extends GraceOptions {
  /** @default nodeFileSystem */
  readonly fileSystem?: FileSystem;
  /**
   * The time in milliseconds since 1970, compared with files' times of change. @default Date.now
   */
  readonly now?: () => number;
  /** Hash every file again, whatever is remembered of it. @default false */
  readonly isParanoid?: boolean;
}

/**
 * Opens the cache at a path, making it if nothing is there: `blobs/ manifests/ quarantine/ tmp/
 * logs/ index.sqlite CACHEDIR.TAG .gitignore`. Throws a CacheError: `cache-folder-taken`,
 * `cache-io`, `sqlite-too-old`, `sqlite-unavailable`.
 */
export async function openCache(
  root: string,
  {
    fileSystem = nodeFileSystem,
    now = Date.now,
    graceMilliseconds = defaultGrace,
    isParanoid = false,
  }: CacheOptions = {},
): Promise<Cache> {
  const folder = await prepareCacheFolder(root, fileSystem);
  const index = new SqliteIndex(folder, () => rowsOfManifests(folder));
  // Now rather than at the first question, so that a SQLite that cannot be used is reported here.
  namingPathSync("open", folder.index, () => index.read(() => undefined, undefined));
  const claims = new BuildClaims(index, now);
  const leases = new RunLeases(index, now, graceMilliseconds);
  const known = new KnownFiles(index, now, isParanoid);
  const blobs = new DiskBlobStore(folder, { graceMilliseconds });
  return {
    folder,
    blobs,
    traces: new SqliteTraceStore(folder, index),
    files: new FileDigests(known, fileSystem),
    claims,
    leases,
    chores: new Chores(index, now),
    roots: new LockRoots(index),
    index: (use) => index.transact(use),
    now,
    graceMilliseconds,
    areIntact: (asked) => areIntact(asked, { blobs, known, fileSystem }),
    close() {
      known.flush();
      claims.close();
      leases.close();
      index.close();
    },
  };
}
