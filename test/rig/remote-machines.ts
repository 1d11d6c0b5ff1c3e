import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import type { Patience } from "../../cache/remote/http-exchange.ts";
import { HttpObjects } from "../../cache/remote/http-objects.ts";
import { RemoteCache } from "../../cache/remote/remote-cache.ts";
import type { RemoteObjects } from "../../cache/remote/remote-objects.ts";
import {
  createSigningKey,
  type PublicKey,
  readSigningKey,
} from "../../cache/remote/signing-key.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { parseTree } from "../../engine/build/artifact-tree.ts";
import { buildSevenStages, type SevenStagesRun } from "./seven-stages.ts";
import { unsyncedFileSystem } from "./unsynced-file-system.ts";

/** Someone who may sign: a key pair. */
export interface Identity {
  readonly publicKey: PublicKey;
  readonly pem: string;
}

/** A new identity. */
export const createIdentity = (): Identity => createSigningKey();

/** Short, so that tests of slow servers end soon. */
export const shortPatience: Patience = {
  answerMilliseconds: 300,
  pieceMilliseconds: 200,
  bytesPerSecond: 256 * 1024,
};

/** A machine with its own project and cache that uses a remote one. */
export interface MachineOptions {
  readonly folder: string;
  readonly url: URL;
  readonly objects?: RemoteObjects;
  readonly trusted: readonly Identity[];
  /** Who it pushes as. */
  readonly identity?: Identity;
  readonly patience?: Patience;
  readonly word?: string;
}

/** Runs the seven stages on a machine; also says whether its cache is sound afterwards. */
export async function runOnMachine(
  options: MachineOptions,
): Promise<SevenStagesRun & { readonly exitBits: number }> {
  const project = join(options.folder, "project");
  await mkdir(project, { recursive: true });
  const cache = await openCache(join(options.folder, "cache"), { fileSystem: unsyncedFileSystem });
  try {
    const run = await buildSevenStages(cache, {
      project,
      ...(options.word && { word: options.word }),
      remoteOf: (_, onProblem) => remoteOf(cache, options, onProblem),
    });
    const trusted = new Set(options.trusted.map(({ publicKey }) => publicKey));
    return { ...run, exitBits: exitBitsOf(await verifyCache(cache, { trusted })) };
  } finally {
    cache.close();
  }
}

/** A machine's remote cache over an open local one. */
export function remoteOf(
  cache: Cache,
  { url, objects, trusted, identity, patience = shortPatience }: MachineOptions,
  onProblem: (message: string) => void,
): RemoteCache {
  const signingKey = identity && readSigningKey(identity.pem);
  return new RemoteCache({
    cache,
    objects: objects ?? new HttpObjects({ base: url, patience }),
    trusted: new Set(trusted.map(({ publicKey }) => publicKey)),
    ...(signingKey && { signingKey }),
    filesOfTree: (bytes) => {
      const tree = parseTree(bytes);
      return tree && Object.values(tree.files);
    },
    onProblem,
  });
}
