import { constants } from "node:fs";
import { copyFile, mkdtemp, readdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CacheError } from "../../cache/cache-error.ts";
import { openCache } from "../../cache/open-cache.ts";
import { formatBytes } from "../text/format-quantity.ts";
import type { Finding } from "./finding.ts";
import { installedVersion } from "./installed-version.ts";

/** SQLite's version, and whether a cache works where this project's lies: one is made in a folder of its own, and removed. */
export async function examineCache(folder: string): Promise<readonly Finding[]> {
  const base = await nearestFolder(folder);
  let probe: string | undefined;
  try {
    probe = await mkdtemp(join(base, ".tunesmith-doctor-"));
    await tryCache(join(probe, "cache"));
    return [await examineSqlite(), await describeFolder(folder, probe)];
  } catch (error) {
    const { message } = error as Error;
    const hint =
      error instanceof CacheError
        ? error.hint
        : "put the cache elsewhere with the environment variable TUNESMITH_CACHE";
    return [{ name: "cache", state: "failed", detail: `${folder}: ${message}`, hint }];
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

async function examineSqlite(): Promise<Finding> {
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(":memory:");
  const version = database.prepare("SELECT sqlite_version()").pluck().get();
  database.close();
  const library = `better-sqlite3 ${installedVersion("better-sqlite3") ?? "of unknown version"}`;
  return { name: "sqlite", state: "ok", detail: `SQLite ${version} (${library})` };
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

async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() || folder === dirname(folder)) return folder;
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
