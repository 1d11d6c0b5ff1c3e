import { isAbsolute, join } from "node:path";
import { nodeFileSystem } from "../cache/file-system.ts";
import type { Cache } from "../cache/open-cache.ts";
import { findProjectFolder } from "../engine/pipeline/project-folder.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { cacheFolderOf, withCache } from "./open-workspace.ts";
import { reportProblem } from "./report-problem.ts";

/** The project that a command without a pipeline file is about: the named folder, or the one found from here upwards. */
export async function findProject(
  context: Pick<CliContext, "cwd">,
  named: string | undefined,
): Promise<string> {
  if (named === undefined) return findProjectFolder(context.cwd);
  return isAbsolute(named) ? named : join(context.cwd, named);
}

/** Opens the cache of a project that has one; where there is none, says so and makes none. */
export async function withProjectCache(
  context: CliContext,
  named: string | undefined,
  work: (cache: Cache) => Promise<number>,
): Promise<number> {
  const project = await findProject(context, named);
  const folder = cacheFolderOf(context, { project });
  if (nodeFileSystem.factsSync(folder, { followLinks: true }) !== undefined)
    return withCache(context, { project }, work);
  reportProblem(context, {
    code: "no-cache",
    message: `There is no cache at ${folder}.`,
    hint: "name the project's folder with --project; the first run of a pipeline makes its cache",
  });
  return exitCodes.usage;
}
