import { basename, dirname, join } from "node:path";
import { errnoOf, namingPath } from "./cache-error.ts";
import type { Digest } from "./digest.ts";
import { type FileSystem, isAbsence, nodeFileSystem } from "./file-system.ts";
import { digestOfFile, writePieces } from "./pieces.ts";
import { isOrphan, temporaryName } from "./temporary-name.ts";

/** Removes a file if it is there; never fails because it is not. */
export async function removeIfPresent(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

/** Removes a folder with all it holds, or a file; a link itself. Does nothing where nothing stands. */
export async function removeTree(fileSystem: FileSystem, path: string): Promise<void> {
  if (fileSystem.factsSync(path)?.kind !== "folder") return removeIfPresent(fileSystem, path);
  for (const { name } of fileSystem.readdirSync(path))
    await removeTree(fileSystem, join(path, name));
  await fileSystem.rmdir(path);
}

/**
 * Runs `make`, which fills a temporary file or folder, and removes that again if it fails. The first
 * failure is the one reported.
 */
export async function orRemove<T>(
  fileSystem: FileSystem,
  temporary: string,
  make: () => Promise<T>,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    // A disk in trouble may refuse this too; what is left over is cleaned when the cache is next
    // opened.
    await removeTree(fileSystem, temporary).catch(() => undefined);
    throw error;
  }
}

/**
 * Creates a file with these bytes and returns once they are on the disk; its name may still be lost
 * in a power cut.
 */
export async function createSynced(
  fileSystem: FileSystem,
  path: string,
  bytes: Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const file = await fileSystem.open(path, "create", options.mode);
  try {
    await file.write(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `createSynced` for bytes that come in pieces; returns their digest. */
export async function createSyncedFrom(
  fileSystem: FileSystem,
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  mode: number,
): Promise<Digest> {
  const file = await fileSystem.open(path, "create", mode);
  try {
    const digest = await writePieces(file, pieces);
    await file.sync();
    return digest;
  } finally {
    await file.close();
  }
}

/** Gives a fresh copy its mode, gets it onto the disk, and returns the digest of what it holds. */
export async function syncCopy(
  fileSystem: FileSystem,
  path: string,
  mode: number,
): Promise<Digest> {
  const file = await fileSystem.open(path, "read");
  try {
    const { digest } = await digestOfFile(file);
    await file.setMode(mode);
    await file.sync();
    return digest;
  } finally {
    await file.close();
  }
}

/**
 * Renames a synced file into its folder, replacing what stands there, and returns once the new name
 * is on the disk. Makes the folder if needed.
 */
export async function publish(
  fileSystem: FileSystem,
  temporary: string,
  path: string,
): Promise<void> {
  const folder = dirname(path);
  try {
    await fileSystem.rename(temporary, path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    await fileSystem.mkdir(folder);
    await fileSystem.syncFolder(dirname(folder));
    await fileSystem.rename(temporary, path);
  }
  await fileSystem.syncFolder(folder);
}

/**
 * A name beside `path` for a file or folder that will be renamed to it: the same file system,
 * hidden, and free.
 */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${temporaryName()}.tmp`);
}

const temporaryPattern = /^\..*\.(\d+\.[0-9a-f]{8}\.[0-9a-f]{16})\.tmp$/;

/** Removes temporary files and folders in a folder whose writers were killed. */
export async function removeOrphansIn(fileSystem: FileSystem, folder: string): Promise<void> {
  for (const { name } of fileSystem.readdirSync(folder)) {
    const writer = temporaryPattern.exec(name)?.[1];
    if (writer !== undefined && isOrphan(writer)) await removeTree(fileSystem, join(folder, name));
  }
}

/**
 * Writes a file so that at any moment, power cuts included, either its old or its new bytes stand
 * there, whole. Throws a CacheError (`cache-io`) naming the path.
 */
export function writeFileDurably(
  path: string,
  content: Uint8Array | string,
  { fileSystem = nodeFileSystem }: { fileSystem?: FileSystem } = {},
): Promise<void> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const temporary = temporaryBeside(path);
  return namingPath("write", path, () =>
    orRemove(fileSystem, temporary, async () => {
      await removeOrphansIn(fileSystem, dirname(path));
      await createSynced(fileSystem, temporary, bytes);
      await publish(fileSystem, temporary, path);
    }),
  );
}
