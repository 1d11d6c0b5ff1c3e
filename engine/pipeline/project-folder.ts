import { realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";

/** Where the pipeline lies, and what its paths may do. */
export interface Location {
  /** Absolute path of the pipeline file. */
  readonly path: string;
  readonly folder: string;
  readonly project: string;
  readonly allowOutside: boolean;
}

const MARKERS = ["package.json", ".git", ".tunesmith"];

/** The nearest folder from `folder` upwards that holds package.json, .git or .tunesmith; else `folder`. */
export async function findProjectFolder(folder: string): Promise<string> {
  for (let current = folder; ; current = dirname(current)) {
    const found = await Promise.all(MARKERS.map((marker) => exists(join(current, marker))));
    if (found.includes(true)) return current;
    if (dirname(current) === current) return folder;
  }
}

/** Whether a file lies outside the project's folder, itself or through a symbolic link. */
export async function leavesProject(path: string, project: string): Promise<boolean> {
  const [root, real] = await Promise.all(
    [project, path].map((one) => realpath(one).catch(() => one)),
  );
  const way = relative(root ?? project, real ?? path);
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
