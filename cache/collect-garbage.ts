import { join } from "node:path";
import { namingPath } from "./cache-error.ts";
import { newTemporary } from "./cache-folder.ts";
import { type Digest, isDigest } from "./digest.ts";
import { removeIfPresent } from "./durable-file.ts";
import { isAbsence } from "./file-system.ts";
import { keysNamedIn } from "./lock-roots.ts";
import type { Cache } from "./open-cache.ts";
import { originPath } from "./remote/origin-files.ts";
import { removeOldFiles } from "./remove-old-files.ts";
import { lastUses, unusedBefore } from "./run-leases.ts";
import type { Prepare } from "./sqlite-index.ts";
import { type StoredResult, storedResults } from "./stored-results.ts";

/** What may stay in a cache. */
export interface CollectLimits {
  /** Of all blobs together. */
  readonly maxBytes: number;
  /** Results that nobody used for so long go, whatever the size; absent: no such limit. */
  readonly maxAgeMilliseconds?: number;
  /** Lockfiles whose results stay, beside those that the cache remembers. */
  readonly lockfiles?: readonly string[];
  /** Only say what would go. */
  readonly dryRun?: boolean;
  /** Told how many of the results were looked at. */
  onProgress?(done: number, total: number): void;
}

/** What a collection removed, or would remove. */
export interface CollectReport {
  readonly results: { readonly removed: number; readonly kept: number };
  readonly blobs: { readonly removed: number; readonly kept: number };
  readonly bytes: { readonly removed: number; readonly kept: number };
  /** Results over the limits that stay: a lockfile names them, or they were used lately. */
  readonly protected: number;
}

interface Blob {
  readonly digest: Digest;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly touched: number;
}

/** How many results leave in one transaction: others wait for its end. */
const batchSize = 20;

/**
 * Removes results until the cache is within its limits, least recently used first, then the blobs
 * that no result needs. Never takes what a lockfile names, nor what was used in the last minutes or
 * since the oldest pipeline that runs now was started. Safe beside running pipelines and a kill at
 * any moment. Throws a CacheError (`cache-io`).
 */
export function collectGarbage(cache: Cache, limits: CollectLimits): Promise<CollectReport> {
  return namingPath("collect garbage in", cache.folder.root, async () => {
    const blobs = new Map(allBlobs(cache).map((blob) => [blob.digest, blob]));
    const results = await storedResults(cache, limits.onProgress);
    const cutoff = cache.index((prepare) => cutoffOf(prepare, cache));
    const choice = choose(results, blobs, { cache, limits, cutoff });
    if (limits.dryRun) return reportOf(choice.leaving, choice.garbage, choice);
    const gone = await evict(cache, choice.leaving);
    const garbage = unneeded(
      results.filter((result) => !gone.has(result)),
      blobs,
      cutoff,
    );
    const removed = await removeBlobs(cache, garbage, cutoff);
    await removeOldFiles(cache);
    return reportOf([...gone], removed, choice);
  });
}

function cutoffOf(prepare: Prepare, { now, graceMilliseconds }: Cache): number {
  return unusedBefore(prepare, { now: now(), graceMilliseconds });
}

interface Choice {
  readonly results: readonly StoredResult[];
  readonly blobs: ReadonlyMap<Digest, Blob>;
  readonly leaving: readonly StoredResult[];
  readonly garbage: readonly Blob[];
  readonly protected: number;
}

function choose(
  results: readonly StoredResult[],
  blobs: ReadonlyMap<Digest, Blob>,
  { cache, limits, cutoff }: { cache: Cache; limits: CollectLimits; cutoff: number },
): Choice {
  const { maxBytes, maxAgeMilliseconds = Number.POSITIVE_INFINITY, lockfiles = [] } = limits;
  const named = keysNamedIn([...lockfiles, ...cache.roots.all()], cache.folder.fileSystem);
  const uses = cache.index(lastUses);
  const usedAt = ({ trace, written }: StoredResult) => Math.max(uses.get(trace.key) ?? 0, written);
  const oldestFirst = [...results].sort((a, b) => usedAt(a) - usedAt(b));
  const needs = countNeeds(results);
  let bytes = sizeOf(blobs.values());
  for (const blob of unneeded(results, blobs, cutoff)) bytes -= blob.bytes;
  const leaving: StoredResult[] = [];
  let held = 0;
  for (const result of oldestFirst) {
    const isOld = usedAt(result) < cache.now() - maxAgeMilliseconds;
    if (!isOld && bytes <= maxBytes) break;
    if (usedAt(result) >= cutoff || named.has(result.trace.key)) {
      held++;
      continue;
    }
    leaving.push(result);
    for (const digest of result.blobs) {
      const left = needs.get(digest)! - 1;
      needs.set(digest, left);
      if (left === 0) bytes -= blobs.get(digest)?.bytes ?? 0;
    }
  }
  const staying = new Set(results);
  for (const result of leaving) staying.delete(result);
  const garbage = unneeded([...staying], blobs, cutoff);
  return { results, blobs, leaving, garbage, protected: held };
}

function countNeeds(results: readonly StoredResult[]): Map<Digest, number> {
  const needs = new Map<Digest, number>();
  for (const digest of results.flatMap(({ blobs }) => [...blobs]))
    needs.set(digest, (needs.get(digest) ?? 0) + 1);
  return needs;
}

function unneeded(
  results: readonly StoredResult[],
  blobs: ReadonlyMap<Digest, Blob>,
  cutoff: number,
): readonly Blob[] {
  const needs = countNeeds(results);
  return [...blobs.values()].filter((blob) => !needs.has(blob.digest) && blob.touched < cutoff);
}

/**
 * Removes traces, unless they were used since they were chosen, and returns those that are gone,
 * for good even after a power cut: only then may their blobs go.
 */
async function evict(
  cache: Cache,
  leaving: readonly StoredResult[],
): Promise<ReadonlySet<StoredResult>> {
  const { fileSystem } = cache.folder;
  const gone = new Map<StoredResult, string>();
  for (let at = 0; at < leaving.length; at += batchSize) {
    // One transaction: a run that notes its use waits until the files are gone, and then misses.
    cache.index((prepare) => {
      const cutoff = cutoffOf(prepare, cache);
      const uses = lastUses(prepare);
      for (const result of leaving.slice(at, at + batchSize)) {
        if ((uses.get(result.trace.key) ?? 0) >= cutoff) continue;
        const aside = setAside(cache, result.path);
        if (aside === undefined) continue;
        gone.set(result, aside);
        forget(prepare, result);
      }
    });
  }
  const shards = new Set([...gone.keys()].map(({ path }) => join(path, "..")));
  for (const shard of shards) await fileSystem.syncFolder(shard);
  for (const [{ trace }, aside] of gone) {
    await removeIfPresent(fileSystem, aside);
    await removeIfPresent(fileSystem, originPath(cache.folder, trace));
  }
  return new Set(gone.keys());
}

function forget(prepare: Prepare, { trace, file }: StoredResult): void {
  prepare("DELETE FROM traces WHERE file = ?").run(file);
  prepare("DELETE FROM uses WHERE key = ?").run(trace.key);
}

/** Moves a file out of the way; where it lies then, or `undefined` if it is gone already. */
function setAside({ folder }: Cache, path: string): string | undefined {
  const aside = newTemporary(folder);
  try {
    folder.fileSystem.renameSync(path, aside);
    return aside;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function removeBlobs(
  cache: Cache,
  garbage: readonly Blob[],
  cutoff: number,
): Promise<readonly Blob[]> {
  const { fileSystem } = cache.folder;
  const removed: Blob[] = [];
  for (const blob of garbage) {
    const path = cache.blobs.pathOf(blob.digest);
    const aside = setAside(cache, path);
    if (aside === undefined) continue;
    // Someone may have taken it into use since it was listed; from here on it is missing to them.
    const facts = fileSystem.factsSync(aside);
    if (facts !== undefined && millisecondsOf(facts.mtimeNs) >= cutoff) {
      fileSystem.renameSync(aside, path);
      continue;
    }
    await removeIfPresent(fileSystem, aside);
    removed.push(blob);
  }
  return removed;
}

function allBlobs({ folder }: Cache): readonly Blob[] {
  const { fileSystem } = folder;
  const blobs: Blob[] = [];
  for (const { name: shard, kind } of fileSystem.readdirSync(folder.blobs)) {
    if (kind !== "folder") continue;
    for (const { name } of fileSystem.readdirSync(join(folder.blobs, shard))) {
      const digest = `sha256:${shard}${name}`;
      const facts = fileSystem.factsSync(join(folder.blobs, shard, name));
      // What is no blob is for `verify` to set aside.
      if (shard.length !== 2 || !isDigest(digest) || facts?.kind !== "file") continue;
      blobs.push({ digest, bytes: facts.size, touched: millisecondsOf(facts.mtimeNs) });
    }
  }
  return blobs;
}

function millisecondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n);
}

function sizeOf(blobs: Iterable<Blob>): number {
  let total = 0;
  for (const { bytes } of blobs) total += bytes;
  return total;
}

function reportOf(
  gone: readonly StoredResult[],
  removed: readonly Blob[],
  { results, blobs, protected: held }: Choice,
): CollectReport {
  const bytes = sizeOf(removed);
  return {
    results: { removed: gone.length, kept: results.length - gone.length },
    blobs: { removed: removed.length, kept: blobs.size - removed.length },
    bytes: { removed: bytes, kept: sizeOf(blobs.values()) - bytes },
    protected: held,
  };
}
