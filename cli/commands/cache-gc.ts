import type { CollectReport } from "../../cache/collect-garbage.ts";
import { cacheLimit, collectCache } from "../collect-cache.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { writeJson } from "../examine-file.ts";
import { findProject, withProjectCache } from "../open-project-cache.ts";
import { formatBytes, formatCount } from "../text/format-quantity.ts";

/** What `tunesmith cache gc` takes. */
export interface CollectFlags {
  readonly project?: string;
  /** Bytes. */
  readonly maxSize?: number;
  /** Days. */
  readonly maxAge?: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * Removes from the cache what was not used for longest, until it is within its limits. What a lockfile names or a running
 * pipeline uses stays. With `--json` one CollectReport.
 */
export function collect(context: CliContext, flags: CollectFlags): Promise<number> {
  const { maxSize = cacheLimit(context), maxAge, dryRun, json } = flags;
  return withProjectCache(context, flags.project, async (cache) => {
    const project = await findProject(context, flags.project);
    const age = maxAge === undefined ? {} : { maxAgeMilliseconds: maxAge * 24 * 3_600_000 };
    const limits = { maxBytes: maxSize, dryRun, ...age };
    const report = await collectCache(context, { project, cache }, limits);
    if (json) writeJson(context, { type: "cache-gc", dryRun, ...report });
    else context.stdout.write(`${renderCollection(report, { dryRun, maxBytes: maxSize })}\n`);
    return exitCodes.ok;
  });
}

/** What a collection did, in a sentence or two. */
export function renderCollection(
  { results, bytes, blobs, protected: held }: CollectReport,
  { dryRun, maxBytes }: { readonly dryRun: boolean; readonly maxBytes: number },
): string {
  const verb = dryRun ? "Would remove" : "Removed";
  const removed = `${verb} ${formatCount(results.removed, "result")} and ${formatCount(blobs.removed, "file")}, ${formatBytes(bytes.removed)}`;
  const kept = `${formatCount(results.kept, "result")}, ${formatBytes(bytes.kept)}, ${dryRun ? "would stay" : "stay"}.`;
  const isOver = bytes.kept > maxBytes && held > 0;
  const why = `\n${formatCount(held, "result")} over the limit of ${formatBytes(maxBytes)}: a lockfile names them, or they were used in the last minutes.`;
  return `${removed}; ${kept}${isOver ? why : ""}`;
}
