import { isAbsolute, join } from "node:path";
import { CacheError } from "../cache/cache-error.ts";
import { type Cache, openCache } from "../cache/open-cache.ts";
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
): Promise<number> {
  let cache: Cache | undefined;
  try {
    cache = await openCache(cacheFolderOf(context, pipeline));
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
