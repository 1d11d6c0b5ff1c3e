import { constants } from "node:fs";
import { cp, mkdir, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { errnoOf } from "../../cache/cache-error.ts";
import { filesMatching } from "../pipeline/file-pattern.ts";
import type { Pipeline, PipelineStage, SourcePath } from "../pipeline/pipeline.ts";

/** What programs are installed in: part of the machine rather than of what a pipeline reads. */
const INSTALLED = ["node_modules", ".venv"];

/**
 * The pipeline as it would lie in an empty folder that holds what its stages declare to read, copied, and nothing else.
 * A program that reads more than it says fails there, and nothing that runs there writes into the workspace. Paths
 * outside the project stay as they are.
 */
export async function moveToCleanFolder(pipeline: Pipeline, folder: string): Promise<Pipeline> {
  const { project } = pipeline;
  const move = (path: string) => {
    const inside = relative(project, path);
    return inside.startsWith("..") ? path : join(folder, inside);
  };
  await mkdir(move(pipeline.folder), { recursive: true });
  for (const name of INSTALLED) await linkInstalled(name, project, folder);
  for (const source of pipeline.stages.flatMap(({ sources }) => sources))
    await copySource(source, move(source.absolute));
  return {
    ...pipeline,
    path: move(pipeline.path),
    folder: move(pipeline.folder),
    project: folder,
    stages: pipeline.stages.map((stage) => moveStage(stage, move)),
  };
}

function moveStage(stage: PipelineStage, move: (path: string) => string): PipelineStage {
  const moved = <T extends { readonly absolute: string }>(path: T): T => ({
    ...path,
    absolute: move(path.absolute),
  });
  const { sources, written, destination } = stage;
  return {
    ...stage,
    sources: sources.map(moved),
    ...(written && { written: written.map(moved) }),
    ...(destination && { destination: moved(destination) }),
  };
}

/** What is not there is left out: the run says so in its own words. */
async function copySource({ absolute, pattern }: SourcePath, target: string): Promise<void> {
  if (absolute === target) return;
  const paths = pattern === undefined ? [""] : await filesMatching(absolute, pattern);
  for (const path of paths) {
    const to = join(target, path);
    await mkdir(dirname(to), { recursive: true });
    await unlessMissing(() =>
      // A copy that shares its blocks with the original, where the file system can do that.
      cp(join(absolute, path), to, {
        recursive: true,
        dereference: true,
        mode: constants.COPYFILE_FICLONE,
      }),
    );
  }
}

/** Links the nearest one, in the project's folder or above it, as in a workspace of several packages. */
async function linkInstalled(name: string, project: string, folder: string): Promise<void> {
  for (let above = project; ; above = dirname(above)) {
    const found = await stat(join(above, name)).catch(() => undefined);
    if (found?.isDirectory()) return symlink(join(above, name), join(folder, name), "junction");
    if (dirname(above) === above) return;
  }
}

async function unlessMissing(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
