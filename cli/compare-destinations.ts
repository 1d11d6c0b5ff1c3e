import { join } from "node:path";
import { CacheError } from "../cache/cache-error.ts";
import type { Digest } from "../cache/digest.ts";
import type { Cache } from "../cache/open-cache.ts";
import type { ArtifactTree } from "../engine/artifact.ts";
import { loadTree } from "../engine/build/artifact-tree.ts";
import type { Examined } from "../engine/build/examine-pipeline.ts";
import type { Lockfile } from "../engine/lockfile.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";

/** What a stage puts into the workspace, beside what is there. */
export interface ComparedDestination {
  readonly stage: string;
  /** As the pipeline file names it. */
  readonly path: string;
  /** `unknown`: its content is neither in the cache nor there to compare. */
  readonly state: "present" | "missing" | "incomplete" | "modified" | "unknown";
  /** Files that are missing or modified. */
  readonly files: readonly string[];
}

/** Each stage with a destination: whether all its files are there, as they were written. */
export async function compareDestinations(
  pipeline: Pipeline,
  examined: ReadonlyMap<string, Examined>,
  cache: Cache,
  lock: Lockfile | undefined,
): Promise<readonly ComparedDestination[]> {
  const compared: ComparedDestination[] = [];
  for (const stage of pipeline.stages) {
    if (stage.destination === undefined) continue;
    const tree = await treeOf(stage, examined.get(stage.name)!, cache, lock);
    compared.push(await compare(stage.name, stage.destination, tree, cache));
  }
  return compared;
}

/** What should be there: the output as it is now, else as it was locked. */
async function treeOf(
  stage: PipelineStage,
  found: Examined,
  cache: Cache,
  lock: Lockfile | undefined,
): Promise<ArtifactTree | undefined> {
  const port = Object.keys(stage.kind.outputs)[0]!;
  if (found.state === "cached") return found.built.outputs[port]?.tree;
  const locked = lock?.stages[stage.name]?.outputs[port];
  return locked === undefined ? undefined : loadTree(locked, cache.blobs);
}

async function compare(
  stage: string,
  { absolute, shown }: NonNullable<PipelineStage["destination"]>,
  tree: ArtifactTree | undefined,
  cache: Cache,
): Promise<ComparedDestination> {
  if (tree === undefined) return { stage, path: shown, state: "unknown", files: [] };
  const missing: string[] = [];
  const modified: string[] = [];
  for (const [path, { digest }] of Object.entries(tree.files)) {
    const found = await digestAt(join(absolute, path), cache);
    if (found === undefined) missing.push(path);
    else if (found !== digest) modified.push(path);
  }
  const total = Object.keys(tree.files).length;
  const isMissing = missing.length > 0 && missing.length === total;
  const state = isMissing
    ? "missing"
    : missing.length > 0
      ? "incomplete"
      : modified.length > 0
        ? "modified"
        : "present";
  return { stage, path: shown, state, files: [...missing, ...modified].sort() };
}

async function digestAt(path: string, { files }: Cache): Promise<Digest | undefined> {
  try {
    return (await files.ofFile(path)).digest;
  } catch (error) {
    if (error instanceof CacheError) return undefined;
    throw error;
  }
}
