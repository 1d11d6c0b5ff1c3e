import { join, relative } from "node:path";
import { errnoOf } from "../cache/cache-error.ts";
import {
  type CollectLimits,
  type CollectReport,
  collectGarbage,
} from "../cache/collect-garbage.ts";
import { type FolderEntry, nodeFileSystem } from "../cache/file-system.ts";
import type { Cache } from "../cache/open-cache.ts";
import type { CliContext } from "./context.ts";
import { createProgressBar } from "./progress-bar.ts";
import { parseBytes } from "./text/parse-quantity.ts";

const defaultLimit = 20e9;
/** Folders of a project in which nobody keeps pipelines, but which may be huge. */
const skipped = new Set(["node_modules", ".git", ".tunesmith"]);
const deepest = 8;

/** How much a cache may hold: TUNESMITH_CACHE_LIMIT, else 20 GB; Infinity where that says `off`. */
export function cacheLimit({ environment }: Pick<CliContext, "environment">): number {
  const text = environment.TUNESMITH_CACHE_LIMIT ?? "";
  if (text.toLowerCase() === "off") return Number.POSITIVE_INFINITY;
  return parseBytes(text) ?? defaultLimit;
}

/** Collects garbage in a project's cache; what the project's lockfiles name stays. */
export async function collectCache(
  context: CliContext,
  { project, cache }: { readonly project: string; readonly cache: Cache },
  limits: Omit<CollectLimits, "lockfiles">,
): Promise<CollectReport> {
  const bar = createProgressBar(context, "looking at results");
  try {
    const lockfiles = lockfilesBelow(project);
    const onProgress = (done: number, total: number) => bar.show(done, total);
    return await collectGarbage(cache, { ...limits, lockfiles, onProgress });
  } finally {
    bar.close();
  }
}

/** All lockfiles of a project. */
export function lockfilesBelow(project: string): readonly string[] {
  const found: string[] = [];
  const look = (folder: string) => {
    for (const { name, kind } of entriesOf(folder)) {
      const path = join(folder, name);
      if (kind === "file" && name.endsWith(".lock.yaml")) found.push(path);
      const isDeep = relative(project, path).split(/[\\/]/).length > deepest;
      if (kind === "folder" && !skipped.has(name) && !isDeep) look(path);
    }
  };
  look(project);
  return found;
}

/** What a folder holds; nothing where this user may not look: no pipeline of theirs is there. */
function entriesOf(folder: string): readonly FolderEntry[] {
  try {
    return nodeFileSystem.readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}
