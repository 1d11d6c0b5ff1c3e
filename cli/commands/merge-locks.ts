import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { CacheError, errnoOf } from "../../cache/cache-error.ts";
import { writeFileDurably } from "../../cache/durable-file.ts";
import type { Problem } from "../../engine/diagnostic.ts";
import { type Lockfile, parseLockfile } from "../../engine/lockfile.ts";
import { mergeLockfiles } from "../../engine/merge-lockfiles.ts";
import { failure, type Result } from "../../engine/result.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { reportProblem } from "../report-problem.ts";

/** Three lockfiles, as git hands them to a merge driver: `%O`, `%A`, `%B`. */
export interface MergePaths {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Merges two lockfiles into OURS. Exit code 0 where each entry was changed by one side at most; 1, as git expects of a
 * merge driver, where conflict markers were written.
 */
export async function mergeLocks(context: CliContext, paths: MergePaths): Promise<number> {
  const [ours, theirs] = [
    await readSide(context, paths.ours),
    await readSide(context, paths.theirs),
  ];
  for (const side of [ours, theirs]) {
    if (side.ok) continue;
    reportProblem(context, side.error);
    return exitCodes.usage;
  }
  if (!ours.ok || !theirs.ok) throw new Error("internal: an unread side went on");
  // What both sides come from may be empty, or older than this version reads: then only equal entries agree.
  const base = await readSide(context, paths.base);
  const merged = mergeLockfiles(base.ok ? base.value : undefined, ours.value, theirs.value);
  try {
    await writeFileDurably(absolute(context, paths.ours), merged.text);
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    reportProblem(context, { code: error.code, message: error.message, hint: error.hint });
    return exitCodes.io;
  }
  if (merged.conflicts.length === 0) return exitCodes.ok;
  reportProblem(context, {
    code: "lock-conflict",
    message: `Both sides changed ${merged.conflicts.join(", ")} in the lockfile.`,
    hint: "merge the pipeline file, then `tunesmith run`: it writes the lockfile anew",
  });
  return exitCodes.failed;
}

function absolute({ cwd }: CliContext, path: string): string {
  return isAbsolute(path) ? path : join(cwd, path);
}

async function readSide(context: CliContext, path: string): Promise<Result<Lockfile, Problem>> {
  try {
    const read = parseLockfile(await readFile(absolute(context, path), "utf8"));
    return read.ok ? read : failure({ ...read.error, message: `${path}: ${read.error.message}` });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    const message = `${path} cannot be read: ${(error as Error).message}`;
    return failure({ code: "lockfile-unreadable", message });
  }
}
