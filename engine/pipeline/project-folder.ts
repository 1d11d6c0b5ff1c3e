import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";

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

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
