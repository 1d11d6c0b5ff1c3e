import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { errnoOf } from "../cache/cache-error.ts";
import type { Digest } from "../cache/digest.ts";
import { writeFileDurably } from "../cache/durable-file.ts";
import type { Cache } from "../cache/open-cache.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { type Lockfile, lockfilePathOf, lockfileText, parseLockfile } from "../engine/lockfile.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import { failure, type Result, success } from "../engine/result.ts";
import { type CliContext, exitCodes } from "./context.ts";

/** The pipeline's lockfile; `undefined` where there is none. */
export async function readLock(pipeline: Pipeline): Promise<Result<Lockfile | undefined, Problem>> {
  const path = lockfilePathOf(pipeline.path);
  try {
    return parseLockfile(new TextDecoder("utf-8").decode(await readFile(path)));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno === "ENOENT") return success(undefined);
    return failure({
      code: "lockfile-unreadable",
      message: `${path} cannot be read: ${(error as Error).message}`,
    });
  }
}

/** What the lockfile names as the first output of a stage; it is read at the first question. */
export function createLockedOutputs(pipeline: Pipeline) {
  let lock: ReturnType<typeof readLock> | undefined;
  return async ({ name, kind }: PipelineStage): Promise<Digest | undefined> => {
    lock ??= readLock(pipeline);
    const read = await lock;
    const port = Object.keys(kind.outputs)[0] ?? "";
    return read.ok ? read.value?.stages[name]?.outputs[port] : undefined;
  };
}

/** Writes the lockfile if it changes, and has the cache keep what it names. Throws a CacheError (`cache-io`) when it cannot be written. */
export async function writeLock(
  context: CliContext,
  pipeline: Pipeline,
  { lockfile, cache }: { readonly lockfile: Lockfile; readonly cache: Cache },
): Promise<number> {
  const path = lockfilePathOf(pipeline.path);
  cache.roots.add(path);
  const text = lockfileText(lockfile);
  const before = await readFile(path, "utf8").catch(() => undefined);
  if (before === text) return exitCodes.ok;
  // Read only now that it changes: for 500 stages parsing it would take longer than the rest of an idle run.
  const unreadable = before !== undefined && !parseLockfile(before).ok;
  await writeFileDurably(path, text);
  const done = before === undefined ? "Wrote" : unreadable ? "Replaced the unreadable" : "Updated";
  context.stderr.write(`${done} ${basename(path)}.\n`);
  return exitCodes.ok;
}
