import { dirname, join, resolve } from "node:path";
import { CacheError, errnoOf, namingPath } from "./cache-error.ts";
import { type Digest, hexOf } from "./digest.ts";
import { createSynced, orRemove, publish, removeIfPresent } from "./durable-file.ts";
import { type FileFacts, type FileSystem, isAbsence } from "./file-system.ts";
import { isOrphan, temporaryName } from "./temporary-name.ts";

/**
 * Where everything lies in a cache. Blobs are at `blobs/ab/cdef…`, manifests at
 * `manifests/ab/cdef….<outputs>.json`.
 */
export interface CacheFolder {
  readonly root: string;
  readonly blobs: string;
  readonly manifests: string;
  readonly quarantine: string;
  readonly temporary: string;
  readonly logs: string;
  /** Signed manifests of the traces that came from a remote cache. */
  readonly origins: string;
  readonly index: string;
  readonly fileSystem: FileSystem;
}

const folderNames = ["blobs", "manifests", "quarantine", "tmp", "logs", "origins"] as const;
const tagName = "CACHEDIR.TAG";
const ownNames =
  /^(blobs|manifests|quarantine|tmp|logs|origins|placed|CACHEDIR\.TAG|\.gitignore|index\.sqlite.*)$/;

// https://bford.info/cachedir/: the first line is fixed; backup programs look for it.
const tagText = `Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of Tunesmith. Everything in it can be made again.
`;

/**
 * Makes the folders of a cache that are not there yet, removes what writers that died left in
 * `tmp`, and says where things are. Throws a CacheError (`cache-folder-taken`) for a folder that
 * holds something else: its .gitignore would hide those files from git.
 */
export async function prepareCacheFolder(
  path: string,
  fileSystem: FileSystem,
): Promise<CacheFolder> {
  const root = resolve(path);
  const folder = locate(root, fileSystem);
  await namingPath("make the cache in", root, async () => {
    if (fileSystem.factsSync(join(root, tagName))?.kind !== "file") await create(folder);
    for (const name of folderNames) await ensureFolder(folder, join(root, name));
    await removeLeftovers(folder);
  });
  return folder;
}

function locate(root: string, fileSystem: FileSystem): CacheFolder {
  const [blobs, manifests, quarantine, temporary, logs, origins] = folderNames.map((name) =>
    join(root, name),
  );
  return {
    root,
    blobs: blobs!,
    manifests: manifests!,
    quarantine: quarantine!,
    temporary: temporary!,
    logs: logs!,
    origins: origins!,
    index: join(root, "index.sqlite"),
    fileSystem,
  };
}

async function create(folder: CacheFolder): Promise<void> {
  const { root, fileSystem } = folder;
  await fileSystem.mkdir(root);
  await fileSystem.syncFolder(dirname(root));
  const foreign = fileSystem.readdirSync(root).find((entry) => !ownNames.test(entry.name));
  if (foreign !== undefined) {
    throw new CacheError(
      "cache-folder-taken",
      `${root} holds other files (${foreign.name}), so it cannot be a cache.`,
      {
        hint: "Name a folder that is empty or does not exist.",
      },
    );
  }
  await fileSystem.mkdir(folder.temporary);
  // The tag comes last: a folder that has it is complete.
  await writeInto(folder, join(root, ".gitignore"), Buffer.from("*\n"));
  await writeInto(folder, join(root, tagName), Buffer.from(tagText));
}

async function ensureFolder(folder: CacheFolder, path: string): Promise<void> {
  const { fileSystem } = folder;
  const facts = fileSystem.factsSync(path, { followLinks: true });
  if (facts?.kind === "folder") return;
  if (facts !== undefined) {
    await fileSystem.rename(path, `${path}.${temporaryName()}.aside`);
  }
  await fileSystem.mkdir(path);
  await fileSystem.syncFolder(folder.root);
}

/** Where a blob lies, or would lie. */
export function blobPath(folder: CacheFolder, digest: Digest): string {
  const hex = hexOf(digest);
  return join(folder.blobs, hex.slice(0, 2), hex.slice(2));
}

/**
 * A free path in the cache's `tmp`, which names this process, so that others know when nobody
 * writes it any more.
 */
export function newTemporary(folder: CacheFolder): string {
  return join(folder.temporary, temporaryName());
}

/**
 * Writes a file of the cache whole or not at all, replacing what stands there; returns once it is
 * on the disk.
 */
export async function writeInto(
  folder: CacheFolder,
  path: string,
  bytes: Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const temporary = newTemporary(folder);
  await orRemove(folder.fileSystem, temporary, async () => {
    await createSynced(folder.fileSystem, temporary, bytes, options);
    await publishInto(folder, temporary, path);
  });
}

/**
 * Renames a synced temporary file to its place in the cache. Whatever stands in the way (a folder,
 * a file where the shard's folder belongs) goes to quarantine.
 */
export async function publishInto(
  folder: CacheFolder,
  temporary: string,
  path: string,
): Promise<void> {
  const { fileSystem } = folder;
  try {
    await publish(fileSystem, temporary, path);
  } catch (error) {
    const errno = errnoOf(error);
    const obstacles = ["EISDIR", "ENOTEMPTY", "EEXIST", "ENOTDIR"];
    if (errno === undefined || !obstacles.includes(errno)) throw error;
    const shard = join(path, "..");
    const isShardUsable = fileSystem.factsSync(shard, { followLinks: true })?.kind === "folder";
    quarantine(folder, isShardUsable ? path : shard);
    await publish(fileSystem, temporary, path);
  }
}

/**
 * Moves what stands at a path to quarantine, whatever it is. With `onlyIf`, only the very file of
 * those facts: another process may have put a good one there since. Does nothing where nothing
 * stands, or in a cache that cannot be written to.
 */
export function quarantine(folder: CacheFolder, path: string, onlyIf?: FileFacts): void {
  const { fileSystem } = folder;
  const facts = fileSystem.factsSync(path);
  if (facts === undefined || (onlyIf !== undefined && facts.inode !== onlyIf.inode)) return;
  const name = path.slice(folder.root.length + 1).replaceAll(/[\\/]/g, "-");
  try {
    fileSystem.renameSync(path, join(folder.quarantine, `${name}.${temporaryName()}`));
  } catch (error) {
    if (!isAbsence(error) && !isReadOnly(error)) throw error;
  }
}

function isReadOnly(error: unknown): boolean {
  return ["EROFS", "EACCES", "EPERM"].includes(errnoOf(error) ?? "");
}

const leftoverSeconds = 3600;

/**
 * Removes temporary files whose process is gone, or which nobody has written for an hour (a process
 * on another machine, or a process id used again).
 */
async function removeLeftovers({ temporary, fileSystem }: CacheFolder): Promise<void> {
  for (const { name, kind } of fileSystem.readdirSync(temporary)) {
    if (kind === "folder") continue;
    const path = join(temporary, name);
    const written = Number((fileSystem.factsSync(path)?.mtimeNs ?? 0n) / 1_000_000n);
    if (isOrphan(name) || Date.now() - written > leftoverSeconds * 1000) {
      await removeIfPresent(fileSystem, path).catch((error: unknown) => {
        // Left for who may.
        if (!isReadOnly(error)) throw error;
      });
    }
  }
}
