import { dirname, resolve } from "node:path";
import type { BlobStore } from "./blob-store.ts";
import {
  BlobCorrupt,
  BlobMissing,
  CacheError,
  namingPath,
  namingPathSync,
  withPath,
} from "./cache-error.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { blobPath, newTemporary, publishInto, quarantine } from "./cache-folder.ts";
import { type Digest, digestFrom, digestOf } from "./digest.ts";
import {
  createSynced,
  createSyncedFrom,
  orRemove,
  publish,
  syncCopy,
  temporaryBeside,
} from "./durable-file.ts";
import { foundOther, identityOf, isRacy } from "./file-identity.ts";
import { type FileFacts, type FileSystem, isAbsence, type OpenFile } from "./file-system.ts";
import { defaultGrace, type GraceOptions } from "./grace.ts";
import { digestOfFile, pieceBytes, piecesOf } from "./pieces.ts";
import { touchIfOld } from "./touch-if-old.ts";

/**
 * Blobs up to this size are read in one synchronous call: a promise would cost more than the read.
 */
const smallBytes = 64 * 1024;
/**
 * Blobs are read-only files: a slip of an editor or a script then fails instead of damaging the
 * cache.
 */
const blobMode = 0o444;
const copyMode = 0o644;

/**
 * Blobs as files named by their sha256. Safe for any number of processes at once, and for a kill or
 * power cut at any moment.
 */
export class DiskBlobStore implements BlobStore {
  readonly #folder: CacheFolder;
  readonly #fileSystem: FileSystem;
  readonly #graceMilliseconds: number;
  /** The file last found intact for a digest, so that one process hashes a large blob only once. */
  readonly #verified = new Map<Digest, string>();

  constructor(folder: CacheFolder, { graceMilliseconds = defaultGrace }: GraceOptions = {}) {
    this.#folder = folder;
    this.#graceMilliseconds = graceMilliseconds;
    this.#fileSystem = folder.fileSystem;
  }

  /**
   * Where the blob lies, or would lie. Bytes read there by other means are not verified: call
   * `verify` before.
   */
  pathOf(digest: Digest): string {
    return blobPath(this.#folder, digestFrom(digest));
  }

  async has(digest: Digest): Promise<boolean> {
    return this.hasAll([{ digest }]);
  }

  hasAll(blobs: Iterable<{ readonly digest: Digest; readonly size?: number }>): boolean {
    return namingPathSync("look into the cache", this.#folder.root, () => {
      for (const { digest, size } of blobs) {
        const facts = this.#fileSystem.factsSync(this.pathOf(digest));
        if (facts?.kind !== "file" || (size !== undefined && facts.size !== size)) return false;
      }
      return true;
    });
  }

  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<Digest> {
    const temporary = newTemporary(this.#folder);
    return namingPath("write to the cache", this.#folder.root, () =>
      orRemove(this.#fileSystem, temporary, async () => {
        if (!(bytes instanceof Uint8Array)) {
          return this.#publish(
            temporary,
            await createSyncedFrom(this.#fileSystem, temporary, bytes, blobMode),
          );
        }
        const digest = digestOf(bytes);
        if (await this.keep(digest)) return digest;
        await createSynced(this.#fileSystem, temporary, bytes, { mode: blobMode });
        return this.#publish(temporary, digest);
      }),
    );
  }

  putFile(path: string): Promise<Digest> {
    const temporary = newTemporary(this.#folder);
    return namingPath("copy into the cache", path, () =>
      orRemove(this.#fileSystem, temporary, async () => {
        const facts = this.#fileSystem.factsSync(path, { followLinks: true });
        if (facts?.kind !== "file") {
          const state = facts === undefined ? "is not there" : "is not a regular file";
          const hint = "Only regular files can be kept in the cache.";
          throw new CacheError("file-unusable", `${path} ${state}.`, { hint });
        }
        await this.#fileSystem.copy(path, temporary);
        return this.#publish(temporary, await syncCopy(this.#fileSystem, temporary, blobMode));
      }),
    );
  }

  /**
   * Makes a file in the cache's `tmp` a blob, if its bytes are those of the digest; else removes it
   * and returns false.
   */
  async adopt(temporary: string, digest: Digest): Promise<boolean> {
    if ((await syncCopy(this.#fileSystem, temporary, blobMode)) !== digest) {
      await this.#fileSystem.unlink(temporary);
      return false;
    }
    await this.#publish(temporary, digest);
    return true;
  }

  /**
   * Whether an intact blob is there that no collection will take for the next minutes, nor while a
   * pipeline runs that runs now.
   */
  async keep(digest: Digest): Promise<boolean> {
    const path = this.pathOf(digest);
    // First, so that a collection that already looked at the old time finds the new one at its end.
    if (!touchIfOld(this.#fileSystem, path, this.#graceMilliseconds / 2)) return false;
    return (await this.verify(digest)) === "intact";
  }

  async *get(digest: Digest): AsyncGenerator<Uint8Array> {
    const path = this.pathOf(digest);
    try {
      yield* this.#verifiedPieces(digest, path);
    } catch (error) {
      throw withPath("read", path, error);
    }
  }

  async read(digest: Digest): Promise<Uint8Array> {
    const path = this.pathOf(digest);
    return namingPath("read", path, async () => {
      const facts = this.#factsOf(digest, path);
      const isSmall = facts.size <= smallBytes;
      const bytes = isSmall ? this.#readSmall(digest, path) : await this.#readLarge(digest, path);
      if (digestOf(bytes) !== digest) throw this.#condemn(digest, path, facts);
      return bytes;
    });
  }

  async materialize(digest: Digest, toPath: string): Promise<void> {
    const path = this.pathOf(digest);
    const target = resolve(toPath);
    const temporary = temporaryBeside(target);
    await namingPath("write", target, () =>
      orRemove(this.#fileSystem, temporary, async () => {
        const facts = this.#factsOf(digest, path);
        await this.#fileSystem.mkdir(dirname(target));
        await this.#copyBlob(digest, path, temporary);
        if ((await syncCopy(this.#fileSystem, temporary, copyMode)) !== digest) {
          if ((await this.verify(digest)) !== "intact")
            throw new BlobCorrupt(digest, foundOther(facts));
          throw new CacheError("cache-io", `The copy of ${digest} at ${target} came out damaged.`, {
            hint: "The cache is intact: check the disk that holds the copy.",
          });
        }
        await publish(this.#fileSystem, temporary, target);
      }),
    );
  }

  async verify(digest: Digest): Promise<"intact" | "missing" | "corrupt"> {
    const path = this.pathOf(digest);
    try {
      await namingPath("read", path, () => this.#failUnlessIntact(digest, path));
      return "intact";
    } catch (error) {
      if (error instanceof BlobMissing) return "missing";
      if (error instanceof BlobCorrupt) return "corrupt";
      throw error;
    }
  }

  async #failUnlessIntact(digest: Digest, path: string): Promise<void> {
    const facts = this.#factsOf(digest, path);
    if (identityOf(facts) === this.#verified.get(digest)) return;
    if (facts.size <= smallBytes) {
      await this.read(digest);
      return;
    }
    const file = await this.#open(digest, path);
    try {
      await this.#verifyOpen(digest, path, file);
    } finally {
      await file.close();
    }
  }

  async *#verifiedPieces(digest: Digest, path: string): AsyncGenerator<Uint8Array> {
    const { size } = this.#factsOf(digest, path);
    if (size <= pieceBytes) {
      yield await this.read(digest);
      return;
    }
    const file = await this.#open(digest, path);
    try {
      const identity = await this.#verifyOpen(digest, path, file);
      yield* piecesOf(file);
      const after = await file.facts();
      if (identityOf(after) !== identity) throw this.#condemn(digest, path, after);
    } finally {
      await file.close();
    }
  }

  async #publish(temporary: string, digest: Digest): Promise<Digest> {
    if (await this.keep(digest)) {
      await this.#fileSystem.unlink(temporary);
    } else {
      await publishInto(this.#folder, temporary, this.pathOf(digest));
    }
    return digest;
  }

  /** The facts of a blob's file; throws BlobMissing, or BlobCorrupt for what is no file. */
  #factsOf(digest: Digest, path: string): FileFacts {
    const facts = this.#fileSystem.factsSync(path);
    if (facts === undefined) throw new BlobMissing(digest);
    if (facts.kind !== "file") throw this.#condemn(digest, path, facts);
    return facts;
  }

  async #open(digest: Digest, path: string): Promise<OpenFile> {
    try {
      return await this.#fileSystem.open(path, "read");
    } catch (error) {
      // Another process found it corrupt, or collected it, a moment ago.
      if (isAbsence(error)) throw new BlobMissing(digest);
      throw error;
    }
  }

  async #copyBlob(digest: Digest, path: string, to: string): Promise<void> {
    try {
      await this.#fileSystem.copy(path, to);
    } catch (error) {
      if (isAbsence(error) && this.#fileSystem.factsSync(path) === undefined)
        throw new BlobMissing(digest);
      throw error;
    }
  }

  #readSmall(digest: Digest, path: string): Uint8Array {
    try {
      return this.#fileSystem.readFileSync(path);
    } catch (error) {
      if (isAbsence(error)) throw new BlobMissing(digest);
      throw error;
    }
  }

  async #readLarge(digest: Digest, path: string): Promise<Uint8Array> {
    const file = await this.#open(digest, path);
    try {
      const { size } = await file.facts();
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  }

  /**
   * Returns the identity of an open blob found intact, by hash or by remembering it; throws
   * BlobCorrupt.
   */
  async #verifyOpen(digest: Digest, path: string, file: OpenFile): Promise<string> {
    const facts = await file.facts();
    const identity = identityOf(facts);
    if (identity === this.#verified.get(digest)) return identity;
    if ((await digestOfFile(file)).digest !== digest) throw this.#condemn(digest, path, facts);
    if (!isRacy(facts, Date.now())) this.#verified.set(digest, identity);
    return identity;
  }

  #condemn(digest: Digest, path: string, facts: FileFacts): BlobCorrupt {
    this.#verified.delete(digest);
    quarantine(this.#folder, path, facts);
    return new BlobCorrupt(digest, foundOther(facts));
  }
}
