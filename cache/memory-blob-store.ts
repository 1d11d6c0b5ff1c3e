import { readFile } from "node:fs/promises";
import type { BlobStore } from "./blob-store.ts";
import { BlobMissing } from "./cache-error.ts";
import { type Digest, digestOf } from "./digest.ts";
import { writeFileDurably } from "./durable-file.ts";

/** Blobs in this process's memory, for tests. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<Digest, Uint8Array>();

  async has(digest: Digest): Promise<boolean> {
    return this.#blobs.has(digest);
  }

  hasAll(blobs: Iterable<{ readonly digest: Digest; readonly size?: number }>): boolean {
    for (const { digest, size } of blobs) {
      const found = this.#blobs.get(digest)?.byteLength;
      if (found === undefined || (size !== undefined && found !== size)) return false;
    }
    return true;
  }

  async put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<Digest> {
    const pieces: Uint8Array[] = [];
    if (bytes instanceof Uint8Array) pieces.push(bytes);
    else for await (const piece of bytes) pieces.push(piece.slice());
    const whole = new Uint8Array(Buffer.concat(pieces));
    const digest = digestOf(whole);
    this.#blobs.set(digest, whole);
    return digest;
  }

  async putFile(path: string): Promise<Digest> {
    return this.put(await readFile(path));
  }

  async *get(digest: Digest): AsyncGenerator<Uint8Array> {
    yield await this.read(digest);
  }

  async read(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) throw new BlobMissing(digest);
    return bytes.slice();
  }

  async materialize(digest: Digest, toPath: string): Promise<void> {
    await writeFileDurably(toPath, await this.read(digest));
  }

  async verify(digest: Digest): Promise<"intact" | "missing" | "corrupt"> {
    return this.#blobs.has(digest) ? "intact" : "missing";
  }
}
