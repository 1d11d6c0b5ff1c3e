import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { errnoOf } from "../cache/cache-error.ts";
import type { Digest } from "../cache/digest.ts";
import { writeFileDurably } from "../cache/durable-file.ts";
import { nodeFileSystem } from "../cache/file-system.ts";
import type { Cache } from "../cache/open-cache.ts";
import { type Change, changesBetween } from "../engine/build/changes.ts";
import type { Problem } from "../engine/diagnostic.ts";
import {
  changedLine,
  type Lockfile,
  lockfilePathOf,
  lockfileText,
  parseLockfile,
} from "../engine/lockfile.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import { failure, type Result, success } from "../engine/result.ts";
import { type CliContext, exitCodes } from "./context.ts";

/** The pipeline's lockfile; `undefined` where there is none. */
export async function readLock(pipeline: Pipeline): Promise<Result<Lockfile | undefined, Problem>> {
  const read = await readLockText(pipeline);
  if (!read.ok) return read;
  return read.value === undefined ? success(undefined) : parseLockfile(read.value);
}

async function readLockText(pipeline: Pipeline): Promise<Result<string | undefined, Problem>> {
  const path = lockfilePathOf(pipeline.path);
  const unreadable = (reason: string) =>
    failure({ code: "lockfile-unreadable", message: `${path} cannot be read: ${reason}` });
  try {
    const kind = nodeFileSystem.factsSync(path, { followLinks: true })?.kind;
    if (kind === undefined) return success(undefined);
    // A pipe would keep who opens it waiting for ever.
    if (kind !== "file") return unreadable("it is not a regular file.");
    return success(new TextDecoder("utf-8").decode(await readFile(path)));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return unreadable((error as Error).message);
  }
}

/** What of a lockfile is no fact about stages or sources, and yet not as a run of the pipeline would write it. */
export async function otherLockChanges(
  pipeline: Pipeline,
  lock: Lockfile,
): Promise<readonly Change[]> {
  const text = await readLockText(pipeline);
  const line = text.ok && text.value !== undefined ? changedLine(text.value, lock) : undefined;
  const name = changesBetween(lock.pipeline, pipeline.name, "pipeline");
  return [...(line === undefined ? [] : [line]), ...name];
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
  const read = await readLockText(pipeline);
  const before = read.ok ? read.value : undefined;
  if (before === text) return exitCodes.ok;
  // Read only now that it changes: for 500 stages parsing it would take longer than the rest of an idle run.
  const unreadable = before !== undefined && !parseLockfile(before).ok;
  await writeFileDurably(path, text);
  const done = before === undefined ? "Wrote" : unreadable ? "Replaced the unreadable" : "Updated";
  context.stderr.write(`${done} ${basename(path)}.\n`);
  return exitCodes.ok;
}
