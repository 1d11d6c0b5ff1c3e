import type { BigIntStats, Dirent } from "node:fs";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsync,
  lstatSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  write,
  writeSync,
} from "node:fs";
import * as promises from "node:fs/promises";
import { promisify } from "node:util";

/** What stands at a path: `link` only where links are not followed. */
export type FileKind = "file" | "folder" | "link" | "other";

/**
 * What the file system says of a path without reading it. Two equal `dev, inode, size, mtimeNs,
 * ctimeNs` mean unchanged bytes, but for changes within the clock's grain.
 */
export interface FileFacts {
  readonly kind: FileKind;
  readonly dev: bigint;
  readonly inode: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** What a file is opened for. */
export type OpenHow = "read" | "create" | "append";

/** An open file. */
export interface OpenFile {
  /**
   * Reads the file's bytes from `at` on into `into`; returns how many came: fewer than fit, or 0,
   * only at the end of the file.
   */
  read(into: Uint8Array, at: number): Promise<number>;
  /** Writes all of the bytes after those written before. */
  write(bytes: Uint8Array): Promise<void>;
  /** Returns once the file's bytes are on the disk. */
  sync(): Promise<void>;
  facts(): Promise<FileFacts>;
  setMode(mode: number): Promise<void>;
  close(): Promise<void>;
}

/** A name in a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: FileKind;
}

/**
 * Every read and write of the cache, the lockfile and the state of runs (SQLite's own file
 * excepted), so that a test can count the calls, fail or die at any of them. Failures are Node's
 * system errors. The `…Sync` calls are for small metadata on hot paths, where a promise costs ten
 * times the call; what waits for the disk never blocks the process.
 */
export interface FileSystem {
  /**
   * `read`: links are not followed and a pipe does not block. `create`: for writing, with this
   * mode; fails with EEXIST where something stands. `append`: for writing after what is there.
   */
  open(path: string, how: OpenHow, mode?: number): Promise<OpenFile>;
  /** Like `open` for `read`, but follows links: for users' own files. */
  openFollowing(path: string): Promise<OpenFile>;
  /**
   * Copies a regular file, sharing its blocks where the file system can; fails with EEXIST where
   * something stands.
   */
  copy(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes an empty folder. */
  rmdir(path: string): Promise<void>;
  /** Makes a folder and its parents; no failure where it stands already. */
  mkdir(path: string): Promise<void>;
  /**
   * Returns once the folder's names (what was created, renamed or removed in it) are on the disk.
   */
  syncFolder(path: string): Promise<void>;
  readdir(path: string): Promise<readonly FolderEntry[]>;
  /** The resolved path, for telling a folder's links in circles. */
  realpath(path: string): Promise<string>;
  /** The facts of what stands at a path, or `undefined` if nothing does. */
  factsSync(path: string, options?: { followLinks: boolean }): FileFacts | undefined;
  readdirSync(path: string): readonly FolderEntry[];
  renameSync(from: string, to: string): void;
  /** Sets a file's time of change to now. */
  touchSync(path: string): void;
  /** A whole regular file; no links, pipes or folders (ELOOP, EISDIR, EINVAL). */
  readFileSync(path: string): Uint8Array;
}

/** Errors that mean "nothing stands at this path". */
export function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

function kindOf(entry: BigIntStats | Dirent): FileKind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? "link" : "other";
}

function factsFrom(stats: BigIntStats): FileFacts {
  return {
    kind: kindOf(stats),
    dev: stats.dev,
    inode: stats.ino,
    size: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}

// Windows has neither flag; there `undefined | 0` must not become NaN.
const withoutFollowing =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const openFlags: Readonly<Record<OpenHow, string | number>> = {
  read: withoutFollowing,
  create: "wx",
  append: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0),
};

/** No system call moves more than 2 GiB. */
const longestCall = 2 ** 30;

const calls = {
  read: promisify(read),
  write: promisify(write),
  sync: promisify(fsync),
};

/** Below this a system call takes less than handing it to another thread. */
const smallBytes = 64 * 1024;

function openFileOf(descriptor: number): OpenFile {
  return {
    read: async (into, at) => {
      let done = 0;
      while (done < into.byteLength) {
        const length = Math.min(into.byteLength - done, longestCall);
        const { bytesRead } = await calls.read(descriptor, into, done, length, at + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
    write: async (bytes) => {
      let done = 0;
      while (done < bytes.byteLength) {
        const length = Math.min(bytes.byteLength - done, longestCall);
        done +=
          length <= smallBytes
            ? writeSync(descriptor, bytes, done, length, null)
            : (await calls.write(descriptor, bytes, done, length, null)).bytesWritten;
      }
    },
    sync: () => calls.sync(descriptor),
    facts: async () => factsFrom(fstatSync(descriptor, { bigint: true })),
    setMode: async (mode) => fchmodSync(descriptor, mode),
    close: async () => closeSync(descriptor),
  };
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders and journals their names itself.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    await calls.sync(descriptor);
  } catch (error) {
    // Some network and FUSE file systems have no folder fsync; their renames are as durable as they
    // get.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EINVAL" && code !== "ENOTSUP") throw error;
  } finally {
    closeSync(descriptor);
  }
}

function readRegularFileSync(path: string): Uint8Array {
  const descriptor = openSync(path, withoutFollowing);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw systemError(stats.isDirectory() ? "EISDIR" : "EINVAL", "read", path);
    const bytes = new Uint8Array(stats.size);
    let done = 0;
    while (done < bytes.byteLength) {
      const count = readSync(descriptor, bytes, done, bytes.byteLength - done, null);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(descriptor);
  }
}

/** A system error as Node makes them, with its `code`. */
export function systemError(code: string, action: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${action} '${path}'`), { code, syscall: action, path });
}

/** The machine's own file system. */
export const nodeFileSystem: FileSystem = {
  open: async (path, how, mode) => openFileOf(openSync(path, openFlags[how], mode)),
  openFollowing: async (path) => openFileOf(openSync(path, "r")),
  copy: (from, to) =>
    promises.copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL),
  rename: async (from, to) => renameSync(from, to),
  unlink: async (path) => unlinkSync(path),
  rmdir: (path) => promises.rmdir(path),
  mkdir: async (path) => void (await promises.mkdir(path, { recursive: true })),
  syncFolder,
  readdir: async (path) =>
    (await promises.readdir(path, { withFileTypes: true })).map((entry) => ({
      name: entry.name,
      kind: kindOf(entry),
    })),
  realpath: (path) => promises.realpath(path),
  factsSync(path, { followLinks } = { followLinks: false }) {
    const look = followLinks ? statSync : lstatSync;
    try {
      const stats = look(path, { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? undefined : factsFrom(stats);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  },
  readdirSync: (path) =>
    readdirSync(path, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      kind: kindOf(entry),
    })),
  renameSync,
  touchSync(path) {
    const now = new Date();
    utimesSync(path, now, now);
  },
  readFileSync: readRegularFileSync,
};
