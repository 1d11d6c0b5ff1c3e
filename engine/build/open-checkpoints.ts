import type { BlobStore } from "../../cache/blob-store.ts";
import { CacheError } from "../../cache/cache-error.ts";
import type { ArtifactTree } from "../artifact.ts";
import type { CheckpointFiles, StageCheckpoints } from "../stage.ts";
import type { CheckpointChange } from "./host-protocol.ts";

/** The type and format of a checkpoint's tree; its files mean what the stage says. */
const CHECKPOINT = { type: "checkpoint", format: 1 } as const;

/**
 * Checkpoints as a running stage sees them: their files are blobs, verified as they are read, and equal files
 * lie there once. The engine, told of changes, makes them traces.
 */
export function openCheckpoints(
  trees: Readonly<Record<string, ArtifactTree>>,
  blobs: BlobStore,
  tell: (change: CheckpointChange) => void,
): StageCheckpoints {
  return {
    names: Object.keys(trees),
    read: (name) => orProblem(() => readFiles(trees[name]!, blobs)),
    async write(name, files) {
      const tree = await orProblem(() => storeFiles(files, blobs));
      if ("problem" in tree) return tree;
      tell({ name, tree });
      return undefined;
    },
    drop: (name) => tell({ name }),
  };
}

async function orProblem<T>(work: () => Promise<T>): Promise<T | { readonly problem: string }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CacheError) return { problem: error.message.replace(/\.$/, "") };
    throw error;
  }
}

async function readFiles({ files }: ArtifactTree, blobs: BlobStore): Promise<CheckpointFiles> {
  const read = new Map<string, Uint8Array>();
  for (const [path, { digest }] of Object.entries(files)) read.set(path, await blobs.read(digest));
  return read;
}

async function storeFiles(given: CheckpointFiles, blobs: BlobStore): Promise<ArtifactTree> {
  const files: Record<string, ArtifactTree["files"][string]> = {};
  for (const [path, bytes] of given)
    files[path] = { digest: await blobs.put(bytes), bytes: bytes.byteLength };
  return { ...CHECKPOINT, files };
}
