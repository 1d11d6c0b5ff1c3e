import { namingPathSync } from "./cache-error.ts";
import { type FileSystem, isAbsence } from "./file-system.ts";
import type { SqliteIndex } from "./sqlite-index.ts";

/** Lockfiles of all projects that use a cache: what they name is never collected. */
export class LockRoots {
  readonly #index: SqliteIndex;

  constructor(index: SqliteIndex) {
    this.#index = index;
  }

  /** Remembers a lockfile by its absolute path. */
  add(path: string): void {
    if (this.all().includes(path)) return;
    this.#index.write((prepare) => {
      prepare("INSERT OR REPLACE INTO roots VALUES (?)").run(path);
    });
  }

  /** The remembered lockfiles; some may be gone. */
  all(): readonly string[] {
    const rows = this.#index.read(
      (prepare) => prepare("SELECT path FROM roots ORDER BY path").pluck().all(),
      [],
    );
    return rows.map(String);
  }
}

/**
 * Every key that these lockfiles name: any 64 hex digits in them, so that one in an unknown format
 * or with merge conflicts protects what it names too. Files that are gone name nothing. Throws a
 * CacheError (`cache-io`) for one that cannot be read.
 */
export function keysNamedIn(paths: Iterable<string>, fileSystem: FileSystem): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const path of paths) {
    const text = namingPathSync("read", path, () => readText(path, fileSystem));
    for (const [key] of text.matchAll(/\b[0-9a-f]{64}\b/g)) keys.add(key);
  }
  return keys;
}

function readText(path: string, fileSystem: FileSystem): string {
  try {
    return Buffer.from(fileSystem.readFileSync(path)).toString("utf8");
  } catch (error) {
    if (isAbsence(error)) return "";
    throw error;
  }
}
