import { join, relative } from "node:path";
import { BlobCorrupt, BlobMissing, CacheError } from "./cache-error.ts";
import { quarantine } from "./cache-folder.ts";
import { type Digest, digestFrom, isDigest } from "./digest.ts";
import { isAbsence } from "./file-system.ts";
import { manifestName } from "./manifest.ts";
import { allManifests, manifestPath, namesIn, readManifest } from "./manifest-files.ts";
import type { Cache } from "./open-cache.ts";
import { signerOf } from "./remote/origin-files.ts";
import type { PublicKey } from "./remote/signing-key.ts";
import { isTraceKey, type Trace, type TraceKey } from "./trace-store.ts";
import { blobsOfTree } from "./tree-blobs.ts";

/** What a check of a whole cache found. Paths are relative to the cache. */
export interface CacheReport {
  readonly blobs: { intact: number; readonly corrupt: string[] };
  readonly manifests: {
    intact: number;
    /** In quarantine now. */
    readonly corrupt: string[];
    /** Those of `corrupt`, and those that were gone, that the index still knew and that were written again. */
    restored: number;
    /** Manifests of another version of Tunesmith, left alone. */
    foreign: number;
    /**
     * Traces dropped because a blob of their outputs is missing or was corrupt: their stages run
     * again.
     */
    readonly dropped: { readonly key: TraceKey; readonly missing: Digest }[];
  };
  /** Traces whose signer, though they came from elsewhere, is not or no longer trusted; left alone. */
  readonly untrusted: { readonly key: TraceKey; readonly signer: PublicKey }[];
  /** What could not be read. */
  readonly failures: { readonly path: string; readonly message: string }[];
}

/**
 * The exit status of `cache verify`, bits as in `nix store verify`: 1 something was corrupt or
 * missing, 2 something came from an untrusted signer, 4 something could not be checked.
 */
export function exitBitsOf(report: CacheReport): number {
  const { blobs, manifests, untrusted, failures } = report;
  const isDamaged = blobs.corrupt.length + manifests.corrupt.length + manifests.dropped.length > 0;
  return (isDamaged ? 1 : 0) | (untrusted.length > 0 ? 2 : 0) | (failures.length > 0 ? 4 : 0);
}

/** How a cache is checked. */
export interface VerifyOptions {
  /** Whose results from elsewhere are in order. */
  readonly trusted?: ReadonlySet<PublicKey>;
  onProgress?(done: number, total: number): void;
}

/**
 * Reads every blob and manifest of a cache. What is corrupt goes to quarantine, traces whose
 * outputs are no longer whole are dropped, so that whatever is left is sound. Safe beside running
 * pipelines. `onProgress` is told how many blobs were checked.
 */
export async function verifyCache(
  cache: Cache,
  { onProgress = () => {}, trusted = new Set() }: VerifyOptions = {},
): Promise<CacheReport> {
  const report: CacheReport = {
    blobs: { intact: 0, corrupt: [] },
    manifests: { intact: 0, corrupt: [], restored: 0, foreign: 0, dropped: [] },
    untrusted: [],
    failures: [],
  };
  for (const shard of namesIn(cache.folder)) await verifyManifests(cache, shard, report);
  await restoreMissing(cache, report);
  await verifyBlobs(cache, report, onProgress);
  for (const { trace, path } of allManifests(cache.folder)) {
    await noting(report, relative(cache.folder.root, path), async () => {
      const signer = signerOf(cache.folder, trace);
      if (signer !== undefined && !trusted.has(signer))
        report.untrusted.push({ key: trace.key, signer });
      await dropUnlessWhole(cache, trace, report);
    });
  }
  return report;
}

async function verifyManifests(cache: Cache, shard: string, report: CacheReport): Promise<void> {
  const { manifests } = report;
  for (const name of namesIn(cache.folder, shard)) {
    const path = join("manifests", shard, name);
    await noting(report, path, async () => {
      const found = readManifest(cache.folder, shard, name);
      if (found === "foreign") manifests.foreign++;
      else if (typeof found === "object") manifests.intact++;
      else if (found === "corrupt") {
        manifests.corrupt.push(path);
        if (await restore(cache, shard, name)) manifests.restored++;
      }
    });
  }
}

/** Writes a manifest again that was lost, if the index has its trace. */
async function restore(cache: Cache, shard: string, name: string): Promise<boolean> {
  const key = shard + name.split(".")[0];
  if (!isTraceKey(key)) return false;
  const trace = cache.traces.find(key).find((known) => manifestName(known) === name);
  if (trace === undefined) return false;
  await cache.traces.record(trace);
  return true;
}

/** Of a manifest that is gone only the index is left, which a disk may lose as well. */
async function restoreMissing(cache: Cache, report: CacheReport): Promise<void> {
  const { folder, traces } = cache;
  for (const trace of traces.indexed()) {
    const path = manifestPath(folder, trace);
    if (folder.fileSystem.factsSync(path) !== undefined) continue;
    await noting(report, relative(folder.root, path), async () => {
      await traces.record(trace);
      report.manifests.restored++;
    });
  }
}

async function verifyBlobs(
  cache: Cache,
  report: CacheReport,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const { folder } = cache;
  const found: { readonly shard: string; readonly name: string }[] = [];
  for (const { name: shard } of await folder.fileSystem.readdir(folder.blobs))
    for (const name of await blobNames(cache, shard)) found.push({ shard, name });
  for (const [done, { shard, name }] of found.entries()) {
    onProgress(done, found.length);
    const path = join("blobs", shard, name);
    await noting(report, path, async () => {
      const digest = `sha256:${shard}${name}`;
      const isBlob = shard.length === 2 && isDigest(digest);
      if (!isBlob) quarantine(folder, join(folder.root, path));
      const state = isBlob ? await cache.blobs.verify(digestFrom(digest)) : "corrupt";
      if (state === "intact") report.blobs.intact++;
      if (state === "corrupt") report.blobs.corrupt.push(path);
    });
  }
}

/**
 * The names in a shard of the blobs; one empty name for a file that stands where a shard's folder
 * belongs.
 */
async function blobNames({ folder }: Cache, shard: string): Promise<readonly string[]> {
  try {
    const entries = await folder.fileSystem.readdir(join(folder.blobs, shard));
    return entries.map(({ name }) => name);
  } catch (error) {
    if (isAbsence(error)) return [""];
    throw error;
  }
}

async function dropUnlessWhole(cache: Cache, trace: Trace, report: CacheReport): Promise<void> {
  for (const tree of Object.values(trace.outputs)) {
    const missing = await missingOf(cache, tree);
    if (missing === undefined) continue;
    await cache.traces.forget(trace);
    report.manifests.dropped.push({ key: trace.key, missing });
    return;
  }
}

/** The first blob of an output that is not there: of its tree or of the tree's files. */
async function missingOf(cache: Cache, tree: Digest): Promise<Digest | undefined> {
  try {
    const files = blobsOfTree(await cache.blobs.read(tree));
    return files.find((digest) => !cache.blobs.hasAll([{ digest }]));
  } catch (error) {
    if (error instanceof BlobMissing || error instanceof BlobCorrupt) return tree;
    throw error;
  }
}

async function noting(
  report: CacheReport,
  path: string,
  check: () => Promise<void>,
): Promise<void> {
  try {
    await check();
  } catch (error) {
    const isIo =
      error instanceof CacheError || typeof (error as NodeJS.ErrnoException).code === "string";
    if (!isIo) throw error;
    report.failures.push({ path, message: (error as Error).message });
  }
}
