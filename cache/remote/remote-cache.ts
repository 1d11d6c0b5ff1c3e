import { writeInto } from "../cache-folder.ts";
import { type Digest, digestOf, hexOf } from "../digest.ts";
import { manifestOf } from "../manifest.ts";
import type { Cache } from "../open-cache.ts";
import type { Trace, TraceKey } from "../trace-store.ts";
import { downloadBlob, downloadText } from "./download.ts";
import { originPath } from "./origin-files.ts";
import { RemoteFailure, type RemoteObjects } from "./remote-objects.ts";
import { openSigned, signManifest } from "./signed-manifest.ts";
import type { PublicKey, SigningKey } from "./signing-key.ts";

/** A file of an output: what a tree says of it. */
export interface TreeFile {
  readonly digest: Digest;
  readonly bytes: number;
}

/** A remote cache and what it may be used for. */
export interface RemoteCacheOptions {
  readonly cache: Cache;
  readonly objects: RemoteObjects;
  /** Whose results are taken. */
  readonly trusted: ReadonlySet<PublicKey>;
  /** Where it is given, results may be pushed. */
  readonly signingKey?: SigningKey;
  /** The files that an output's tree names; `undefined` for bytes that are no sound tree. */
  filesOfTree(bytes: Uint8Array): readonly TreeFile[] | undefined;
  /** Told, at most a few times, why something could not be fetched or pushed. */
  onProblem(message: string): void;
  /** The most that one result may take. @default 20 GB */
  readonly mostBytes?: number;
}

const mostManifestBytes = 4 * 2 ** 20;
const mostTreeBytes = 64 * 2 ** 20;
/** After so many failures in a row the remote is left alone until the next run. */
const mostFailures = 3;

/**
 * Results that other machines made, as signed manifests and raw blobs on a server that nobody needs to trust: a manifest
 * counts if a trusted key signed it for the very key asked for, a blob if its sha256 is the one named. Whatever goes
 * wrong, the remote is done without.
 */
export class RemoteCache {
  readonly #options: RemoteCacheOptions;
  #failures = 0;
  #pushing: Promise<unknown> = Promise.resolve();

  constructor(options: RemoteCacheOptions) {
    this.#options = options;
  }

  /** Whether results may be pushed. */
  get isWritable(): boolean {
    return this.#options.signingKey !== undefined;
  }

  /**
   * Brings a key's result into the cache, if the remote has one that counts: with these output ports. Says whether it
   * did. Never throws RemoteFailure.
   */
  async fetch(key: TraceKey, ports: readonly string[]): Promise<boolean> {
    const fetched = await this.#attempt(`fetch ${key.slice(0, 12)}`, async () => {
      const { objects, trusted, cache } = this.#options;
      const text = await downloadText(objects, manifestNameOf(key), mostManifestBytes);
      if (text === undefined) return false;
      const opened = openSigned(text, trusted);
      if ("refused" in opened) throw new RemoteFailure(`a result was refused: ${opened.refused}`);
      const { trace } = opened;
      if (trace.key !== key)
        throw new RemoteFailure("a result was refused: it was signed for another key");
      if (Object.keys(trace.outputs).sort().join() !== [...ports].sort().join())
        throw new RemoteFailure("a result was refused: it has other outputs than its stage");
      await this.#fetchOutputs(trace);
      await writeInto(cache.folder, originPath(cache.folder, trace), Buffer.from(text));
      await cache.traces.record(trace);
      return true;
    });
    return fetched ?? false;
  }

  /**
   * Puts a result where others find it, blobs first; says whether it is there now. A key that the remote has already is
   * left as it is. Never throws RemoteFailure.
   */
  async push(trace: Trace): Promise<"pushed" | "there" | "failed"> {
    const { objects, signingKey } = this.#options;
    if (signingKey === undefined) throw new Error("internal: this remote is read-only");
    const pushed = await this.#attempt(`push ${trace.key.slice(0, 12)}`, async () => {
      const name = manifestNameOf(trace.key);
      if (await objects.has(name)) return "there";
      for (const tree of Object.values(trace.outputs)) {
        const bytes = await this.#options.cache.blobs.read(tree);
        for (const file of this.#filesOf(bytes)) await this.#pushBlob(file);
        await this.#pushBlob({ digest: tree, bytes: bytes.byteLength });
      }
      const text = Buffer.from(signManifest(manifestOf(trace), signingKey));
      return (await this.#put(name, digestOf(text), [text])) === "there" ? "there" : "pushed";
    });
    return pushed ?? "failed";
  }

  /** Pushes a result in the background, one after the other, where that is allowed. */
  pushLater(trace: Trace): void {
    if (this.isWritable) this.#pushing = this.#pushing.then(() => this.push(trace));
  }

  /** Waits for all that is being pushed. */
  async settle(): Promise<void> {
    await this.#pushing;
  }

  async #fetchOutputs({ outputs }: Trace): Promise<void> {
    const { cache, objects, mostBytes = 20e9 } = this.#options;
    const { blobs, folder } = cache;
    let total = 0;
    for (const tree of Object.values(outputs)) {
      const target = { digest: tree, name: blobNameOf(tree), blobs, folder };
      // A tree that is no tree is kept under its own digest and harms nobody.
      await downloadBlob(objects, { ...target, most: mostTreeBytes });
      for (const { digest, bytes } of this.#filesOf(await blobs.read(tree))) {
        total += bytes;
        if (total > mostBytes)
          throw new RemoteFailure(`a result takes more than ${mostBytes} bytes`);
        const file = { digest, name: blobNameOf(digest), blobs, folder };
        await downloadBlob(objects, { ...file, most: bytes, exactly: bytes });
      }
    }
  }

  #filesOf(tree: Uint8Array): readonly TreeFile[] {
    const files = this.#options.filesOfTree(tree);
    if (files === undefined)
      throw new RemoteFailure("a result was refused: an output is no artifact");
    return files;
  }

  async #pushBlob({ digest, bytes }: TreeFile): Promise<void> {
    const { objects, cache } = this.#options;
    const name = blobNameOf(digest);
    if (await objects.has(name)) return;
    await objects.putNew(name, { digest, bytes, pieces: () => cache.blobs.get(digest) });
  }

  #put(name: string, digest: Digest, content: readonly Uint8Array[]) {
    const bytes = content.reduce((sum, piece) => sum + piece.byteLength, 0);
    const pieces = async function* () {
      yield* content;
    };
    return this.#options.objects.putNew(name, { digest, bytes, pieces });
  }

  /** `undefined` when the remote failed, or has failed too often. */
  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#failures >= mostFailures) return undefined;
    const { objects, onProblem } = this.#options;
    try {
      const result = await work();
      this.#failures = 0;
      return result;
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      this.#failures++;
      const isLast = this.#failures === mostFailures;
      onProblem(
        `Could not ${what} from or to the remote cache ${objects.label}: ${error.message}.${isLast ? " It is left alone from here on." : ""}`,
      );
      return undefined;
    }
  }
}

/** One name for each key: the first result that was pushed stays. */
function manifestNameOf(key: TraceKey): string {
  return `manifests/${key.slice(0, 2)}/${key.slice(2)}.json`;
}

function blobNameOf(digest: Digest): string {
  const hex = hexOf(digest);
  return `blobs/${hex.slice(0, 2)}/${hex.slice(2)}`;
}
