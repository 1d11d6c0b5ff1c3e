import { join } from "node:path";
import { type CacheFolder, newTemporary } from "../cache-folder.ts";
import { type Digest, hexOf } from "../digest.ts";
import type { DiskBlobStore } from "../disk-blob-store.ts";
import { orRemove, removeIfPresent } from "../durable-file.ts";
import { isAbsence } from "../file-system.ts";
import { RemoteFailure, type RemoteObjects } from "./remote-objects.ts";

const mostTries = 4;
/** A download that broke off is worth going on with, by a later run, from so many bytes on. */
const worthKeeping = 2 ** 20;

/** A small object as text; `undefined` where there is none. Throws RemoteFailure, also for one that is larger than `most`. */
export async function downloadText(
  objects: RemoteObjects,
  name: string,
  most: number,
): Promise<string | undefined> {
  const body = await objects.get(name, { from: 0, most });
  if (body === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body.pieces) {
    bytes += piece.byteLength;
    if (bytes > most) throw new RemoteFailure(`${name} is larger than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** A blob to be had. */
export interface WantedBlob {
  readonly digest: Digest;
  readonly name: string;
  /** More bytes than these are refused as they come. */
  readonly most: number;
  /** How many bytes it should have, where that is known. */
  readonly exactly?: number;
  readonly blobs: DiskBlobStore;
  readonly folder: CacheFolder;
}

/**
 * Brings a blob into the cache unless it is there. It enters once its digest is verified. A connection that breaks is
 * taken up where it broke, by this process or a later one. Throws RemoteFailure.
 */
export async function downloadBlob(objects: RemoteObjects, wanted: WantedBlob): Promise<void> {
  const { blobs, digest, folder } = wanted;
  if (await blobs.keep(digest)) return;
  const { fileSystem } = folder;
  const temporary = newTemporary(folder);
  const kept = join(folder.temporary, `partial-${hexOf(digest)}`);
  await takeUp(folder, kept, temporary);
  await orRemove(fileSystem, temporary, async () => {
    try {
      await downloadAll(objects, wanted, temporary);
    } catch (error) {
      const bytes = fileSystem.factsSync(temporary)?.size ?? 0;
      const isPassing = error instanceof RemoteFailure && error.isPassing;
      if (isPassing && bytes >= worthKeeping) await fileSystem.rename(temporary, kept);
      throw error;
    }
    if (!(await blobs.adopt(temporary, digest)))
      throw new RemoteFailure(`${wanted.name} holds other bytes than its name says`);
  });
}

/** Goes on with what an earlier process has kept; only one can. */
async function takeUp({ fileSystem }: CacheFolder, kept: string, temporary: string): Promise<void> {
  try {
    await fileSystem.rename(kept, temporary);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

async function downloadAll(
  objects: RemoteObjects,
  wanted: WantedBlob,
  path: string,
): Promise<void> {
  const { fileSystem } = wanted.folder;
  for (let tries = 1; ; tries++) {
    const before = fileSystem.factsSync(path)?.size ?? 0;
    try {
      if (before !== wanted.exactly || before === 0)
        await downloadRest(objects, wanted, { path, before });
      const bytes = fileSystem.factsSync(path)?.size ?? 0;
      if (wanted.exactly === undefined || bytes === wanted.exactly) return;
      throw new RemoteFailure(`${wanted.name} has ${bytes} bytes instead of ${wanted.exactly}`);
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      if (!error.isPassing || tries === mostTries) throw error;
    }
  }
}

async function downloadRest(
  objects: RemoteObjects,
  { name, most, folder }: WantedBlob,
  { path, before }: { readonly path: string; readonly before: number },
): Promise<void> {
  const body = await objects.get(name, { from: before, most });
  if (body === undefined) throw new RemoteFailure(`${name} is not there`);
  const { fileSystem } = folder;
  // The server starts from the beginning: so does the file.
  if (body.from === 0 && before > 0) await removeIfPresent(fileSystem, path);
  const file = await fileSystem.open(path, "append");
  try {
    let bytes = body.from;
    for await (const piece of body.pieces) {
      bytes += piece.byteLength;
      if (bytes > most)
        throw new RemoteFailure(`${name} has more than the ${most} bytes it should have`);
      await file.write(piece);
    }
  } finally {
    await file.close();
  }
}
