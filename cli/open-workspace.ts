import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { CacheError } from "../cache/cache-error.ts";
import { nodeFileSystem } from "../cache/file-system.ts";
import { type Cache, type CacheOptions, openCache } from "../cache/open-cache.ts";
import type { Pipeline } from "../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { reportProblem } from "./report-problem.ts";

/** Where a pipeline's cache lies: TUNESMITH_CACHE, or `.tunesmith` in the project. */
export function cacheFolderOf(context: CliContext, pipeline: Pick<Pipeline, "project">): string {
  const chosen = context.environment.TUNESMITH_CACHE;
  if (chosen === undefined || chosen === "") return join(pipeline.project, ".tunesmith");
  return isAbsolute(chosen) ? chosen : join(context.cwd, chosen);
}

/** Opens the cache for one command and closes it afterwards; a cache that cannot be used ends in a message and exit code 74. */
export async function withCache(
  context: CliContext,
  pipeline: Pick<Pipeline, "project">,
  work: (cache: Cache) => Promise<number>,
  options: CacheOptions = {},
): Promise<number> {
  let cache: Cache | undefined;
  try {
    cache = await openCache(cacheFolderOf(context, pipeline), options);
    return await work(cache);
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    const { code, message, hint } = error;
    reportProblem(context, { code, message, hint });
    return exitCodes.io;
  } finally {
    cache?.close();
  }
}

/**
 * Opens the cache for a command that only looks. Where there is none it makes none, so that nothing is written to a
 * clone: an empty one lies in the system's temporary folder for as long as the command works.
 */
export async function withCacheToLookAt(
  context: CliContext,
  pipeline: Pick<Pipeline, "project">,
  work: (cache: Cache) => Promise<number>,
): Promise<number> {
  const folder = cacheFolderOf(context, pipeline);
  if (nodeFileSystem.factsSync(folder, { followLinks: true }) !== undefined)
    return withCache(context, pipeline, work);
  return withEmptyCache(work);
}

/** Works with a new cache, and an empty folder beside it; both are removed afterwards. */
export async function withEmptyCache<T>(
  work: (cache: Cache, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "tunesmith-"));
  try {
    const cache = await openCache(join(folder, "cache"));
    try {
      const beside = join(folder, "project");
      await mkdir(beside);
      return await work(cache, beside);
    } finally {
      cache.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
