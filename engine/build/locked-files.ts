import { join } from "node:path";
import type { Digest } from "../../cache/digest.ts";
import type { FileDigest } from "../../cache/file-digest.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { ArtifactTree } from "../artifact.ts";
import { digestOfTree } from "./artifact-tree.ts";

/**
 * The files that stand in a folder under the names of a tree, if together they are, byte for byte, the output that a
 * lockfile names: an earlier run put them there, whatever cache it used. None if a single one of them differs.
 */
export async function lockedFilesIn(
  folder: string,
  tree: ArtifactTree,
  locked: Digest,
  { files, folder: { fileSystem } }: Cache,
): Promise<ReadonlyMap<string, readonly Digest[]>> {
  const found: Record<string, FileDigest> = {};
  for (const path of Object.keys(tree.files)) {
    const target = join(folder, path);
    if (fileSystem.factsSync(target)?.kind === "file") found[path] = await files.ofFile(target);
  }
  if (digestOfTree({ ...tree, files: found }) !== locked) return new Map();
  return new Map(Object.entries(found).map(([path, { digest }]) => [path, [digest]]));
}
