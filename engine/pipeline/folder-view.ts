import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What a path is, links followed. */
export type PathType = "file" | "folder" | "special" | "missing";

/** Looks at files and folders, at each only once: hundreds of stages may name the same. */
export class FolderView {
  private readonly types = new Map<string, Promise<PathType>>();
  private readonly realPaths = new Map<string, Promise<string>>();
  private readonly lists = new Map<string, Promise<readonly string[]>>();

  typeOf(path: string): Promise<PathType> {
    return remember(this.types, path, async () => {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) return "missing";
      if (found.isFile()) return "file";
      return found.isDirectory() ? "folder" : "special";
    });
  }

  /** The path without symbolic links; what does not exist yet is added to the nearest folder that does. */
  realPath(path: string): Promise<string> {
    return remember(this.realPaths, path, () =>
      realpath(path).catch(async () =>
        dirname(path) === path ? path : join(await this.realPath(dirname(path)), basename(path)),
      ),
    );
  }

  /** Names in a folder, sorted by code unit; none for what is no folder. */
  list(folder: string): Promise<readonly string[]> {
    return remember(this.lists, folder, async () => (await readdir(folder).catch(() => [])).sort());
  }

  /** Whether a folder holds a name that one of the patterns stands for; `*` is any characters. */
  async holdsAny(folder: string, patterns: readonly string[]): Promise<boolean> {
    const names = await this.list(folder);
    return patterns.some((pattern) => names.some((name) => matches(name, pattern)));
  }
}

/** Pieces between the stars, each found after the one before: no backtracking. */
function matches(name: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let from = first.length;
  for (const piece of rest) {
    const at = name.indexOf(piece, from);
    if (at < 0 || at + piece.length > name.length - last.length) return false;
    from = at + piece.length;
  }
  return true;
}

function remember<T>(
  known: Map<string, Promise<T>>,
  path: string,
  look: () => Promise<T>,
): Promise<T> {
  const before = known.get(path);
  if (before !== undefined) return before;
  const found = look();
  known.set(path, found);
  return found;
}
