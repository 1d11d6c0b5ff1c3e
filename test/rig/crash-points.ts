import { readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { collectGarbage } from "../../cache/collect-garbage.ts";
import type { FileSystem } from "../../cache/file-system.ts";
import { openCache } from "../../cache/open-cache.ts";
import { assertExported, assertExportsWhole, exportTwice, prepareExport } from "./export-scene.ts";
import { runSevenStages } from "./seven-stages.ts";
import { unsyncedFileSystem } from "./unsynced-file-system.ts";

/** Something done to a project that can be killed on the way. */
export interface CrashScene {
  /** Makes the project as it is before. */
  prepare(project: string): Promise<unknown>;
  act(project: string, fileSystem: FileSystem): Promise<unknown>;
  /** What holds at any moment, beside a sound cache; fails where it does not. */
  holds?(project: string, about: string): Promise<void>;
  /** What holds when it was done again to the end. */
  isDone?(project: string, about: string): Promise<void>;
}

/** What is killed at every file call: a first run, one that changes nothing, one that changes all, gc, export. */
export const crashScenes: Readonly<Record<string, CrashScene>> = {
  cold: {
    prepare: async () => {},
    act: (project, fileSystem) => runSevenStages({ project, fileSystem }),
  },
  warm: {
    prepare: (project) => runSevenStages({ project, fileSystem: unsyncedFileSystem }),
    act: (project, fileSystem) => runSevenStages({ project, fileSystem }),
  },
  changed: {
    prepare: (project) => runSevenStages({ project, fileSystem: unsyncedFileSystem }),
    act: (project, fileSystem) => runSevenStages({ project, fileSystem, word: "oak" }),
  },
  gc: {
    async prepare(project) {
      await runSevenStages({ project, word: "elm", fileSystem: unsyncedFileSystem });
      await runSevenStages({ project, fileSystem: unsyncedFileSystem });
      await makeOld(join(project, ".tunesmith"));
    },
    act: collect,
  },
  export: {
    prepare: (project) => prepareExport(project, unsyncedFileSystem),
    act: exportTwice,
    holds: assertExportsWhole,
    isDone: assertExported,
  },
};

async function collect(project: string, fileSystem: FileSystem): Promise<void> {
  const cache = await openCache(join(project, ".tunesmith"), { fileSystem });
  try {
    const lockfiles = [join(project, "test.tune.lock.yaml")];
    await collectGarbage(cache, { maxBytes: 0, lockfiles });
  } finally {
    cache.close();
  }
}

/** Makes everything in a cache look ten days old. */
async function makeOld(root: string): Promise<void> {
  const old = new Date(Date.now() - 10 * 24 * 3_600_000);
  for (const path of await pathsBelow(root)) await utimes(path, old, old);
  const cache = await openCache(root);
  cache.index((prepare) => void prepare("DELETE FROM uses").run());
  cache.close();
}

/** All files below a folder. */
export async function pathsBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What a finished run leaves for the user: the lockfile and what was put into the workspace. */
export async function outcomeOf(project: string): Promise<readonly string[]> {
  return [
    await readFile(join(project, "test.tune.lock.yaml"), "utf8"),
    await readFile(join(project, "out", "text.txt"), "utf8"),
    // Of a killed process these would be removed; this one lives.
    ...(await readdir(join(project, "out"))).filter((name) => !name.endsWith(".tmp")),
  ];
}

/** So many of the numbers 1 to `count`, in order. */
export function pickSome(count: number, most: number, random: () => number): readonly number[] {
  const all = Array.from({ length: count }, (_, i) => i + 1);
  if (count <= most) return all;
  const chosen = all.map((at) => ({ at, order: random() })).sort((a, b) => a.order - b.order);
  return chosen
    .slice(0, most)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
}
