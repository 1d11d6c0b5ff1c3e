import { hexOf } from "../cache/digest.ts";
import type { Cache } from "../cache/open-cache.ts";
import { digestSource } from "../engine/build/source-digests.ts";
import type { LockedSource, Lockfile } from "../engine/lockfile.ts";
import type { Pipeline, SourcePath } from "../engine/pipeline/pipeline.ts";

/** A file or folder that the pipeline reads, beside its entry in the lockfile. */
export interface ComparedSource {
  /** As the pipeline file names it. */
  readonly path: string;
  readonly state: "unchanged" | "modified" | "new" | "removed" | "unreadable";
  /** Of a modified folder: the files that differ. */
  readonly files?: readonly string[];
}

/** Each source of the pipeline and of the lockfile, in the order of the stages that read them. */
export async function compareSources(
  pipeline: Pipeline,
  cache: Cache,
  lock: Lockfile | undefined,
): Promise<readonly ComparedSource[]> {
  const byPath = new Map<string, SourcePath[]>();
  for (const source of pipeline.stages.flatMap(({ sources }) => sources))
    byPath.set(source.shown, [...(byPath.get(source.shown) ?? []), source]);
  const compared: ComparedSource[] = [];
  for (const [path, readings] of byPath)
    compared.push({ path, ...(await compareSource(readings, cache, lock?.sources[path])) });
  const removed = Object.keys(lock?.sources ?? {}).filter((path) => !byPath.has(path));
  return [...compared, ...removed.map((path) => ({ path, state: "removed" as const }))];
}

/** Two stages may read different files of one folder; the lock names all of them. */
async function compareSource(
  readings: readonly SourcePath[],
  cache: Cache,
  locked: LockedSource | undefined,
): Promise<Omit<ComparedSource, "path">> {
  const files = new Map<string, string>();
  let digest: string | undefined;
  for (const source of readings) {
    const found = await digestSource(source, cache.files);
    if ("problem" in found) return { state: "unreadable" };
    digest = hexOf(found.digest);
    for (const [name, of] of Object.entries(found.files ?? {})) files.set(name, hexOf(of));
  }
  if (locked === undefined) return { state: "new" };
  if (locked.files === undefined || files.size === 0)
    return { state: locked.sha256 === digest ? "unchanged" : "modified" };
  const before = new Map(Object.entries(locked.files));
  const names = [...new Set([...files.keys(), ...before.keys()])].sort();
  const changed = names.filter((name) => files.get(name) !== before.get(name));
  return changed.length === 0 ? { state: "unchanged" } : { state: "modified", files: changed };
}
