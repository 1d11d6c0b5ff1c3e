import { constants } from "node:fs";
import { copyFile, mkdtemp, readdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CacheError, errnoOf } from "../../cache/cache-error.ts";
import { openCache } from "../../cache/open-cache.ts";
import { installedVersion } from "../../compute/devices/installed-version.ts";
import { formatBytes } from "../text/format-quantity.ts";
import type { Finding } from "./finding.ts";

/** Whether a cache works where this project's lies: one is made there in a folder of its own, and removed. */
export async function examineCache(folder: string): Promise<Finding> {
  let probe: string | undefined;
  try {
    probe = await mkdtemp(join(await nearestFolder(folder), ".tunesmith-doctor-"));
    await tryCache(join(probe, "cache"));
    return await describeFolder(folder, probe);
  } catch (error) {
    const { message } = error as Error;
    const hint =
      error instanceof CacheError
        ? error.hint
        : "put the cache elsewhere with the environment variable TUNESMITH_CACHE";
    return { name: "cache", state: "failed", detail: `${folder}: ${message}`, hint };
  } finally {
    if (probe !== undefined) await rm(probe, { recursive: true, force: true });
  }
}

async function tryCache(folder: string): Promise<void> {
  const cache = await openCache(folder);
  try {
    const digest = await cache.blobs.put(new TextEncoder().encode("tunesmith"));
    await cache.blobs.read(digest);
  } finally {
    cache.close();
  }
}

/** The index's database. */
export async function examineSqlite(): Promise<Finding> {
  const name = "sqlite";
  try {
    const { default: Database } = await import("better-sqlite3");
    const database = new Database(":memory:");
    const version = database.prepare("SELECT sqlite_version()").pluck().get();
    database.close();
    const library = `better-sqlite3 ${installedVersion("better-sqlite3") ?? "of unknown version"}`;
    return { name, state: "ok", detail: `SQLite ${version} (${library})` };
  } catch (error) {
    const hint = "install tunesmith again on this machine: npm ci";
    return { name, state: "failed", detail: (error as Error).message, hint };
  }
}

async function describeFolder(folder: string, probe: string): Promise<Finding> {
  const size = await sizeOf(folder);
  const { bavail, bsize } = await statfs(probe);
  const free = `${formatBytes(bavail * bsize)} free on its disk`;
  const held = size === undefined ? "not there yet" : formatBytes(size);
  const copies = (await canReflink(probe))
    ? "copies share blocks"
    : "copies take space of their own";
  return { name: "cache", state: "ok", detail: `${folder}: ${held}, ${free}, ${copies}` };
}

/** The nearest folder above that exists. A file in the way comes out as a system error (`ENOTDIR`). */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await readdir(folder);
      return folder;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || folder === dirname(folder)) throw error;
    }
  }
}

/** Bytes of all files below a folder; `undefined` where it is not there. Files that go away meanwhile count nothing. */
async function sizeOf(folder: string): Promise<number | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  );
  let total = 0;
  for (const entry of entries ?? [])
    if (entry.isFile())
      total += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  return entries === undefined ? undefined : total;
}

async function canReflink(folder: string): Promise<boolean> {
  const original = join(folder, "original");
  await writeFile(original, "tunesmith");
  return copyFile(original, join(folder, "copy"), constants.COPYFILE_FICLONE_FORCE).then(
    () => true,
    () => false,
  );
}
