import { type Digest, isDigest } from "./digest.ts";

/**
 * The digests of the files that an output's tree names: JSON `{"files": {path: {"digest": …}}}`.
 * None for bytes that are no tree.
 */
export function blobsOfTree(bytes: Uint8Array): readonly Digest[] {
  let tree: unknown;
  try {
    tree = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  const files = propertyOf(tree, "files");
  if (typeof files !== "object" || files === null) return [];
  return Object.values(files)
    .map((file: unknown) => propertyOf(file, "digest"))
    .filter(isDigest);
}

function propertyOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
