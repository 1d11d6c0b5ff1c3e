import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { posix } from "node:path";
import { isArtifactPath } from "../../engine/artifact-path.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { FileContent, Folder } from "../artifacts/folder.ts";

/** The files at some paths and below them, by path; a path with nothing there fails the stage. */
export async function collectOutputs(paths: readonly string[]): Promise<Folder> {
  const files = new Map<string, FileContent>();
  for (const path of paths) await collect(posix.normalize(path).replace(/\/$/, ""), files);
  return { files };
}

async function collect(path: string, files: Map<string, FileContent>): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const message = `The program ended well, but did not write its output "${path}".`;
    const hint = "its paths start from the pipeline file's folder";
    throw new StageFailure({ code: "output-missing", message, hint });
  }
  if (found.isDirectory()) {
    for (const name of (await readdir(path)).sort()) await collect(`${path}/${name}`, files);
    return;
  }
  if (!found.isFile() || !isArtifactPath(path)) {
    const message = `The output "${path}" cannot be kept: ${found.isFile() ? "its name is not possible on every system" : "it is no regular file"}.`;
    throw new StageFailure({ code: "output-unusable", message });
  }
  files.set(path, { [Symbol.asyncIterator]: () => createReadStream(path)[Symbol.asyncIterator]() });
}

/** The numbers in a JSON file, those in maps under joined names: `{"eval": {"f1": 0.5}}` is `eval_f1`. */
export async function readMetrics(path: string): Promise<[string, number][]> {
  const value = await readFile(path, "utf8")
    .then(JSON.parse)
    .catch((error: Error) => {
      if (!(error instanceof SyntaxError)) throw error;
      throw noMetrics(path, "is not JSON");
    });
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw noMetrics(path, "is no map of names to numbers");
  return numbersIn(value, "");
}

function numbersIn(map: object, prefix: string): [string, number][] {
  return Object.entries(map).flatMap(([name, value]): [string, number][] => {
    if (typeof value === "number") return [[`${prefix}${name}`, value]];
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    return isMap ? numbersIn(value, `${prefix}${name}_`) : [];
  });
}

function noMetrics(path: string, why: string): StageFailure {
  return new StageFailure({
    code: "metrics-unreadable",
    message: `The metrics' file "${path}" ${why}.`,
  });
}
