import type { BlobStore } from "../../cache/blob-store.ts";
import { BlobCorrupt, BlobMissing } from "../../cache/cache-error.ts";
import { type Digest, digestOf, isDigest } from "../../cache/digest.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { ArtifactTree } from "../artifact.ts";
import { areArtifactPaths } from "../artifact-path.ts";
import { canonicalJson } from "../canonical-json.ts";
import type { Json } from "../stage.ts";

/** An artifact in the cache. */
export interface StoredArtifact {
  readonly digest: Digest;
  readonly tree: ArtifactTree;
}

/** The digest of an artifact: of its tree's canonical JSON. */
export function digestOfTree(tree: ArtifactTree): Digest {
  return digestOf(canonicalJson(tree as unknown as Json));
}

/** Keeps a tree whose files are in the store already, and returns the artifact's digest. */
export function putTree(tree: ArtifactTree, blobs: BlobStore): Promise<Digest> {
  return blobs.put(new TextEncoder().encode(canonicalJson(tree as unknown as Json)));
}

/** The trees of a trace's outputs by port, if they and all their files are there unharmed. */
export async function loadOutputs(
  digests: Readonly<Record<string, Digest>>,
  cache: Cache,
): Promise<Record<string, StoredArtifact> | undefined> {
  const outputs: Record<string, StoredArtifact> = {};
  for (const [port, digest] of Object.entries(digests)) {
    const tree = await loadTree(digest, cache.blobs);
    if (tree === undefined) return undefined;
    const files = Object.values(tree.files).map((file) => ({
      digest: file.digest,
      size: file.bytes,
    }));
    if (!(await cache.areIntact(files))) return undefined;
    outputs[port] = { digest, tree };
  }
  return outputs;
}

/** One tree, if it is there unharmed. Bytes of the right digest that are no tree are a bug, or another program's. */
export async function loadTree(
  digest: Digest,
  blobs: BlobStore,
): Promise<ArtifactTree | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await blobs.read(digest);
  } catch (error) {
    if (error instanceof BlobMissing || error instanceof BlobCorrupt) return undefined;
    throw error;
  }
  const tree = parseTree(bytes);
  if (tree === undefined) throw new Error(`internal: ${digest} is no artifact`);
  return tree;
}

/** The tree that these bytes are; `undefined` for bytes that are none, or whose paths lead elsewhere. */
export function parseTree(bytes: Uint8Array): ArtifactTree | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isTree(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isTree(value: unknown): value is ArtifactTree {
  if (typeof value !== "object" || value === null) return false;
  const { type, format, files } = value as Partial<Record<keyof ArtifactTree, unknown>>;
  if (typeof type !== "string" || typeof format !== "number") return false;
  if (typeof files !== "object" || files === null) return false;
  if (!areArtifactPaths(Object.keys(files))) return false;
  return Object.values(files).every(
    (file) => isDigest(file?.digest) && Number.isSafeInteger(file?.bytes) && file.bytes >= 0,
  );
}
