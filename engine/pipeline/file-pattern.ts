import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What a pattern never enters unless it names it: where tools keep what is theirs. */
const NEVER_ENTERED = new Set(["node_modules", ".git", ".tunesmith"]);

/** Whether a path is a pattern rather than the name of a file. */
export function isFilePattern(path: string): boolean {
  return /[*?]/.test(path);
}

/** The folder that a pattern starts from, and the rest: `src/*.ts` is `src` and `*.ts`. */
export function splitPattern(path: string): { readonly base: string; readonly pattern: string } {
  const names = path.split("/");
  const first = names.findIndex(isFilePattern);
  return { base: names.slice(0, first).join("/") || ".", pattern: names.slice(first).join("/") };
}

/** Whether a relative path matches: `*` and `?` stay within a name and leave out a leading dot, `**` is any folders. */
export function matchesPattern(path: string, pattern: string): boolean {
  return matchNames(path.split("/"), pattern.split("/"));
}

function matchNames(names: readonly string[], patterns: readonly string[]): boolean {
  const [pattern, ...rest] = patterns;
  const [name, ...others] = names;
  if (pattern === undefined || name === undefined)
    return pattern === undefined && name === undefined;
  if (pattern !== "**") return matchesName(name, pattern) && matchNames(others, rest);
  return matchNames(names, rest) || (isEntered(name) && matchNames(others, patterns));
}

function matchesName(name: string, pattern: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const expression = pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replaceAll(/\*+/g, "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${expression}$`, "u").test(name);
}

function isEntered(name: string): boolean {
  return !name.startsWith(".") && !NEVER_ENTERED.has(name);
}

/** The files below a folder that a pattern matches, as relative paths sorted by code unit; links to folders are not followed. */
export async function filesMatching(base: string, pattern: string): Promise<readonly string[]> {
  const found = await matchBelow(base, "", pattern.split("/"));
  return [...new Set(found)].sort();
}

async function matchBelow(
  base: string,
  prefix: string,
  [pattern = "", ...rest]: readonly string[],
): Promise<string[]> {
  const entries = await readdir(join(base, prefix), { withFileTypes: true }).catch(() => []);
  const found = entries.map(async (entry) => {
    const path = `${prefix}${entry.name}`;
    if (pattern === "**") {
      const here = await matchEntry(base, entry, path, rest);
      const isBelow = entry.isDirectory() && isEntered(entry.name);
      return isBelow ? [...here, ...(await matchBelow(base, `${path}/`, ["**", ...rest]))] : here;
    }
    return matchEntry(base, entry, path, [pattern, ...rest]);
  });
  return (await Promise.all(found)).flat();
}

async function matchEntry(
  base: string,
  entry: Dirent,
  path: string,
  [pattern = "", ...rest]: readonly string[],
): Promise<string[]> {
  if (!matchesName(entry.name, pattern)) return [];
  if (rest.length > 0) return entry.isDirectory() ? matchBelow(base, `${path}/`, rest) : [];
  const isFile =
    entry.isFile() ||
    (entry.isSymbolicLink() && (await stat(join(base, path)).catch(() => undefined))?.isFile());
  return isFile ? [path] : [];
}
