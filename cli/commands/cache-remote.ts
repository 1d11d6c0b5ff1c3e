import type { Cache } from "../../cache/open-cache.ts";
import type { RemoteCache } from "../../cache/remote/remote-cache.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import type { Lockfile } from "../../engine/lockfile.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { readLock } from "../lock-file.ts";
import { openPipeline } from "../open-pipeline.ts";
import { openRemote } from "../open-remote.ts";
import { withCache } from "../open-workspace.ts";
import { createProgressBar } from "../progress-bar.ts";
import { readRemoteSettings } from "../remote-settings.ts";
import { reportProblem } from "../report-problem.ts";
import { formatCount } from "../text/format-quantity.ts";

/** Puts what a pipeline's lockfile names into the remote cache. Exit code 74 where something could not be pushed. */
export function push(context: CliContext, file: string): Promise<number> {
  return withLocked(context, file, async ({ cache, remote, locked, show }) => {
    if (!remote.isWritable) {
      reportProblem(context, {
        code: "remote-read-only",
        message: "The remote cache is read-only here.",
        hint: "name it in TUNESMITH_REMOTE and a key made by `tunesmith cache keys` in TUNESMITH_SIGNING_KEY",
      });
      return exitCodes.usage;
    }
    const counts = { pushed: 0, there: 0, failed: 0, missing: 0 };
    for (const [done, { key }] of locked.entries()) {
      show(done);
      const [trace] = cache.traces.find(key as TraceKey);
      counts[trace === undefined ? "missing" : await remote.push(trace)]++;
    }
    context.stdout.write(
      `${formatCount(counts.pushed, "result")} pushed, ${counts.there} there already${counts.missing > 0 ? `, ${counts.missing} not in this cache: run the pipeline first` : ""}.\n`,
    );
    return counts.failed + counts.missing > 0 ? exitCodes.io : exitCodes.ok;
  });
}

/** Fetches what a pipeline's lockfile names from the remote cache. Exit code 74 where something is not to be had. */
export function pull(context: CliContext, file: string): Promise<number> {
  return withLocked(context, file, async ({ cache, remote, locked, show }) => {
    const counts = { fetched: 0, there: 0, missing: 0 };
    for (const [done, { key, outputs }] of locked.entries()) {
      show(done);
      const isThere = cache.traces.find(key as TraceKey).length > 0;
      const isFetched = !isThere && (await remote.fetch(key as TraceKey, Object.keys(outputs)));
      counts[isThere ? "there" : isFetched ? "fetched" : "missing"]++;
    }
    context.stdout.write(
      `${formatCount(counts.fetched, "result")} fetched, ${counts.there} there already, ${counts.missing} not to be had.\n`,
    );
    return counts.missing > 0 ? exitCodes.io : exitCodes.ok;
  });
}

interface Locked {
  readonly cache: Cache;
  readonly remote: RemoteCache;
  readonly locked: readonly Lockfile["stages"][string][];
  show(done: number): void;
}

async function withLocked(
  context: CliContext,
  file: string,
  work: (locked: Locked) => Promise<number>,
): Promise<number> {
  const opened = await openPipeline(context, file);
  if ("exitCode" in opened) return opened.exitCode;
  const { pipeline } = opened;
  const lock = await readLock(pipeline);
  const settings = await readRemoteSettings(context, pipeline.project);
  if (!lock.ok || !settings.ok || lock.value === undefined || settings.value === undefined) {
    reportProblem(
      context,
      !lock.ok ? lock.error : !settings.ok ? settings.error : nothingToDo(lock.value),
    );
    return exitCodes.usage;
  }
  const locked = Object.values(lock.value.stages);
  return withCache(context, pipeline, async (cache) => {
    const say = (message: string) => context.stderr.write(`${message}\n`);
    const remote = openRemote(context, cache, settings.value, say)!;
    const bar = createProgressBar(context, "results");
    const show = (done: number) => bar.show(done, locked.length);
    return work({ cache, remote, locked, show }).finally(bar.close);
  });
}

function nothingToDo(lock: Lockfile | undefined) {
  if (lock === undefined) {
    const hint = "run the pipeline first, or take its lockfile from version control";
    return { code: "no-lockfile", message: "The pipeline has no lockfile.", hint };
  }
  const hint = "name it in TUNESMITH_REMOTE, or under `remote:` in the project's tunesmith.yaml";
  return { code: "no-remote", message: "No remote cache is named.", hint };
}
