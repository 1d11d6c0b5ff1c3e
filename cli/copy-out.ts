import { dirname, join } from "node:path";
import { errnoOf, namingPath } from "../cache/cache-error.ts";
import { orRemove, removeOrphansIn, removeTree, temporaryBeside } from "../cache/durable-file.ts";
import type { FileSystem } from "../cache/file-system.ts";
import type { Cache } from "../cache/open-cache.ts";
import type { ArtifactTree } from "../engine/artifact.ts";
import type { Problem } from "../engine/diagnostic.ts";

/** How to copy an artifact out of the cache. */
export interface CopyOptions {
  /** Absolute path. */
  readonly folder: string;
  /** As the user wrote it. */
  readonly shown: string;
  /** Write into a folder that holds other files, replacing those of equal names. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes verified copies of an artifact's files into a folder. All of them are made aside first, on the same disk, and
 * only when they are safe there renamed to their places: at any moment, a kill or a power cut included, a new folder is
 * there whole or not at all. A CacheError (a blob that is gone or corrupt, a full disk) goes through.
 */
export async function copyOut(
  tree: ArtifactTree,
  { blobs, folder: { fileSystem } }: Pick<Cache, "blobs" | "folder">,
  options: CopyOptions,
): Promise<Problem | undefined> {
  const { folder, force, signal } = options;
  const found = await namingPath("read", folder, () => lookAt(folder, fileSystem));
  if (found === "file") return notAFolder(options);
  if (found === "full" && !force) return notEmpty(options);
  const aside = temporaryBeside(folder);
  return orRemove(fileSystem, aside, async () => {
    await namingPath("write", folder, async () => {
      await fileSystem.mkdir(aside);
      await removeOrphansIn(fileSystem, dirname(folder));
    });
    for (const [path, { digest }] of Object.entries(tree.files)) {
      if (signal.aborted) return interrupted(aside, fileSystem);
      await blobs.materialize(digest, join(aside, path));
    }
    await namingPath("write", folder, async () => {
      for (const name of foldersOf(tree)) await fileSystem.syncFolder(join(aside, name));
      if (found === "full") await merge(aside, folder, tree, fileSystem);
      else await replace(aside, folder, found, fileSystem);
    });
    return undefined;
  });
}

async function interrupted(aside: string, fileSystem: FileSystem): Promise<Problem> {
  await removeTree(fileSystem, aside);
  return { code: "interrupted", message: "Interrupted: nothing was copied." };
}

type Found = "absent" | "empty" | "full" | "file";

async function lookAt(folder: string, fileSystem: FileSystem): Promise<Found> {
  try {
    return (await fileSystem.readdir(folder)).length === 0 ? "empty" : "full";
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return "absent";
    if (errno === "ENOTDIR") return "file";
    throw error;
  }
}

/** The folders of an artifact, each after those that hold it; the first is the artifact's own. */
function foldersOf({ files }: ArtifactTree): readonly string[] {
  const folders = new Set([""]);
  for (const path of Object.keys(files)) {
    const names = path.split("/");
    for (let depth = 1; depth < names.length; depth++) folders.add(names.slice(0, depth).join("/"));
  }
  return [...folders];
}

async function replace(aside: string, folder: string, found: Found, fileSystem: FileSystem) {
  if (found === "empty") await fileSystem.rmdir(folder);
  await fileSystem.rename(aside, folder);
  await fileSystem.syncFolder(dirname(folder));
}

/** Other files in the folder are nobody's to remove. */
async function merge(aside: string, folder: string, tree: ArtifactTree, fileSystem: FileSystem) {
  const folders = foldersOf(tree);
  for (const name of folders) await fileSystem.mkdir(join(folder, name));
  for (const path of Object.keys(tree.files))
    await fileSystem.rename(join(aside, path), join(folder, path));
  for (const name of folders) await fileSystem.syncFolder(join(folder, name));
  await removeTree(fileSystem, aside);
}

function notAFolder({ shown }: CopyOptions): Problem {
  const hint = "name a folder that is empty or does not exist";
  return { code: "not-a-folder", message: `${shown} is not a folder.`, hint };
}

function notEmpty({ shown }: CopyOptions): Problem {
  const hint = "name a folder that is empty or does not exist, or add --force to write into it";
  return { code: "folder-not-empty", message: `${shown} holds other files.`, hint };
}
