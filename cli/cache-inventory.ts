import type { Digest } from "../cache/digest.ts";
import { nodeFileSystem } from "../cache/file-system.ts";
import { allManifests } from "../cache/manifest-files.ts";
import type { Cache } from "../cache/open-cache.ts";
import type { Trace } from "../cache/trace-store.ts";
import { loadTree } from "../engine/build/artifact-tree.ts";

/** What the cache holds for one stage of a pipeline; `cache ls --json` prints one a line. */
export interface CacheItem {
  readonly type: "cache-item";
  /** Path of the pipeline file in its project; absent for results that no recorded run has used. */
  readonly pipeline?: string;
  readonly stage?: string;
  /** How many results: one for each key that was built. */
  readonly results: number;
  /** Of all files of these results, each counted once; stages that share files both count them. */
  readonly bytes: number;
  /** ISO 8601, UTC: the last run that used one of them, else when the last of them was made. */
  readonly lastUsed: string;
}

/** What lies in a cache, the largest first, and how much all of it takes: shared files count once. */
export interface CacheInventory {
  readonly items: readonly CacheItem[];
  readonly results: number;
  readonly bytes: number;
}

/** All results that past runs can be asked about. */
const ALL_RUNS = 1_000_000;

/** Lists what a cache holds by pipeline and stage. */
export async function takeInventory(cache: Cache): Promise<CacheInventory> {
  const traces = [...allManifests(cache.folder)].map(({ trace }) => trace);
  const uses = usesByKey(cache);
  const groups = new Map<string, { readonly use: Partial<Use>; readonly traces: Trace[] }>();
  for (const trace of traces) {
    for (const use of uses.get(trace.key)?.values() ?? [{}]) {
      const name = nameOf(use);
      const group = groups.get(name) ?? { use, traces: [] as Trace[] };
      groups.set(name, group);
      group.traces.push(trace);
    }
  }
  const all = new Map<Digest, number>();
  const items: CacheItem[] = [];
  for (const { use, traces: own } of groups.values()) {
    const files = await filesOf(own, cache);
    for (const [digest, bytes] of files) all.set(digest, bytes);
    items.push(itemOf(use, own, sum(files.values()), uses));
  }
  items.sort((a, b) => b.bytes - a.bytes || (a.lastUsed < b.lastUsed ? 1 : -1));
  return { items, results: traces.length, bytes: sum(all.values()) };
}

interface Use {
  readonly pipeline: string;
  readonly stage: string;
  readonly lastUsed: string;
}

function nameOf({ pipeline = "", stage = "" }: Partial<Use>): string {
  return JSON.stringify([pipeline, stage]);
}

/** Who used each key, and when last. */
function usesByKey(cache: Cache): ReadonlyMap<string, ReadonlyMap<string, Use>> {
  const uses = new Map<string, Map<string, Use>>();
  for (const { pipeline, startedAt, stages } of cache.traces.lastRuns({ limit: ALL_RUNS })) {
    for (const { stage, key } of stages) {
      if (key === undefined) continue;
      const use = { pipeline, stage, lastUsed: startedAt };
      const users = uses.get(key) ?? new Map<string, Use>();
      uses.set(key, users);
      // Newest first: what is there already is later.
      if (!users.has(nameOf(use))) users.set(nameOf(use), use);
    }
  }
  return uses;
}

function itemOf(
  { pipeline, stage }: Partial<Use>,
  traces: readonly Trace[],
  bytes: number,
  uses: ReadonlyMap<string, ReadonlyMap<string, Use>>,
): CacheItem {
  const name = nameOf({ ...(pipeline && { pipeline }), ...(stage && { stage }) });
  const times = traces.map(
    ({ key, finishedAt }) => uses.get(key)?.get(name)?.lastUsed ?? finishedAt,
  );
  const lastUsed = times.sort().at(-1)!;
  const owner = pipeline === undefined || stage === undefined ? {} : { pipeline, stage };
  return { type: "cache-item", ...owner, results: traces.length, bytes, lastUsed };
}

/** Sizes of all files of some results; of those that are still there. */
async function filesOf(
  traces: readonly Trace[],
  { blobs }: Cache,
): Promise<ReadonlyMap<Digest, number>> {
  const sizes = new Map<Digest, number>();
  for (const digest of traces.flatMap(({ outputs }) => Object.values(outputs))) {
    const tree = await loadTree(digest, blobs);
    const facts = nodeFileSystem.factsSync(blobs.pathOf(digest));
    if (tree === undefined || facts === undefined) continue;
    sizes.set(digest, facts.size);
    for (const file of Object.values(tree.files))
      if (blobs.hasAll([file])) sizes.set(file.digest, file.bytes);
  }
  return sizes;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
