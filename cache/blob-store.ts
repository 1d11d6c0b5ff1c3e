import type { Digest } from "./digest.ts";

/**
 * Bytes kept by their digest. Whatever comes out has been verified: its sha256 is the digest that
 * was asked for.
 */
export interface BlobStore {
  /** Whether a blob of this digest is there, by a look at the folder; the bytes are not read. */
  has(digest: Digest): Promise<boolean>;
  /**
   * Whether all of these are there with these sizes; the bytes are not read. Fast: microseconds
   * each.
   */
  hasAll(blobs: Iterable<{ readonly digest: Digest; readonly size?: number }>): boolean;
  /**
   * Keeps bytes; returns once they are on the disk. An intact blob of the same digest is kept, a
   * damaged one replaced. Pieces may reuse one buffer.
   */
  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<Digest>;
  /**
   * Keeps a copy of a regular file (links are followed). Changes made to the file meanwhile may or
   * may not be in it; the digest is the copy's.
   */
  putFile(path: string): Promise<Digest>;
  /**
   * The blob's bytes in pieces, each its own memory. Nothing comes before all of it is verified.
   * Throws BlobMissing or BlobCorrupt.
   */
  get(digest: Digest): AsyncIterable<Uint8Array>;
  /** The blob's bytes at once, verified. Throws BlobMissing or BlobCorrupt. */
  read(digest: Digest): Promise<Uint8Array>;
  /**
   * Writes a verified copy of the blob to a path, whole or not at all, replacing a file there;
   * makes its folder. Never a link into the store.
   */
  materialize(digest: Digest, toPath: string): Promise<void>;
  /**
   * Reads the whole blob and says whether it is intact. A corrupt one is in quarantine afterwards.
   */
  verify(digest: Digest): Promise<"intact" | "missing" | "corrupt">;
}
