import { CacheError } from "../cache/cache-error.ts";
import type { Cache } from "../cache/open-cache.ts";
import { cacheLimit, collectCache } from "./collect-cache.ts";
import type { CliContext } from "./context.ts";
import { formatBytes, formatCount } from "./text/format-quantity.ts";

const secondsBetween = 3600;

/**
 * Keeps the cache within its limit after a run, at most once an hour: measuring a large cache takes a while. A collection
 * that fails is told of and changes nothing else.
 */
export async function tidyAfterRun(context: CliContext, project: string, cache: Cache) {
  const maxBytes = cacheLimit(context);
  if (maxBytes === Number.POSITIVE_INFINITY || context.signal.aborted) return;
  try {
    if (!cache.chores.isDue("collect", secondsBetween)) return;
    const { results, bytes } = await collectCache(context, { project, cache }, { maxBytes });
    if (results.removed === 0) return;
    context.stderr.write(
      `Removed ${formatCount(results.removed, "old result")}, ${formatBytes(bytes.removed)}, from the cache to keep it within ${formatBytes(maxBytes)}.\n`,
    );
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    context.stderr.write(`The cache was not tidied up: ${error.message}\n`);
  }
}
