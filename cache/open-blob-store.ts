import { prepareCacheFolder } from "./cache-folder.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";

/**
 * Opens only the blobs of a cache, without its index: what a stage's process needs. Makes the
 * folder if needed.
 */
export async function openBlobStore(
  root: string,
  { fileSystem = nodeFileSystem }: { fileSystem?: FileSystem } = {},
): Promise<DiskBlobStore> {
  return new DiskBlobStore(await prepareCacheFolder(root, fileSystem));
}
