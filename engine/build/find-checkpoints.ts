import type { Digest } from "../../cache/digest.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { Trace, TraceKey } from "../../cache/trace-store.ts";
import type { ArtifactTree } from "../artifact.ts";
import { loadTree } from "./artifact-tree.ts";

/** A checkpoint in the cache; its files are verified when they are read. */
export interface KeptCheckpoint {
  readonly name: string;
  readonly tree: ArtifactTree;
}

/** The checkpoints under a key whose trees are there, newest first; several of one name where trainings differed. */
export async function* findCheckpoints(
  key: TraceKey,
  { leases, traces, blobs }: Cache,
): AsyncGenerator<KeptCheckpoint> {
  for (const trace of leases.inUse(key, () => traces.find(key))) {
    const [name, digest] = checkpointOf(trace);
    const tree = await loadTree(digest, blobs);
    if (tree !== undefined) yield { name, tree };
  }
}

/** The name of the checkpoint that a trace is of, and the digest of its tree. */
export function checkpointOf({ outputs }: Trace): readonly [name: string, tree: Digest] {
  return Object.entries(outputs)[0]!;
}
