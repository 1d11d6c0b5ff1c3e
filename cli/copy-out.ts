import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { BlobStore } from "../cache/blob-store.ts";
import { errnoOf, namingPath } from "../cache/cache-error.ts";
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
 * only then renamed to their places, so that a failure leaves the folder as it was. A CacheError (a blob that is gone
 * or corrupt, a full disk) goes through.
 */
export async function copyOut(
  tree: ArtifactTree,
  blobs: BlobStore,
  options: CopyOptions,
): Promise<Problem | undefined> {
  const { folder, force, signal } = options;
  const found = await namingPath("read", folder, () => lookAt(folder));
  if (found === "file") return notAFolder(options);
  if (found === "full" && !force) return notEmpty(options);
  const aside = join(dirname(folder), `.${basename(folder)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    for (const [path, { digest }] of Object.entries(tree.files)) {
      if (signal.aborted) return interrupted;
      await blobs.materialize(digest, join(aside, path));
    }
    await namingPath("write", folder, () =>
      found === "full"
        ? merge(aside, folder, Object.keys(tree.files))
        : replace(aside, folder, found),
    );
    return undefined;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const interrupted: Problem = { code: "interrupted", message: "Interrupted: nothing was copied." };

type Found = "absent" | "empty" | "full" | "file";

async function lookAt(folder: string): Promise<Found> {
  try {
    return (await readdir(folder)).length === 0 ? "empty" : "full";
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return "absent";
    if (errno === "ENOTDIR") return "file";
    throw error;
  }
}

async function replace(aside: string, folder: string, found: Found): Promise<void> {
  if (found === "empty") await rmdir(folder);
  await rename(aside, folder);
}

/** Other files in the folder are nobody's to remove. */
async function merge(aside: string, folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await rename(join(aside, path), join(folder, path));
  }
}

function notAFolder({ shown }: CopyOptions): Problem {
  const hint = "name a folder that is empty or does not exist";
  return { code: "not-a-folder", message: `${shown} is not a folder.`, hint };
}

function notEmpty({ shown }: CopyOptions): Problem {
  const hint = "name a folder that is empty or does not exist, or add --force to write into it";
  return { code: "folder-not-empty", message: `${shown} holds other files.`, hint };
}
