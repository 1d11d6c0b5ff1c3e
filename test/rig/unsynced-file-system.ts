import { type FileSystem, nodeFileSystem } from "../../cache/file-system.ts";

/** The machine's file system without syncing, which tests that are not about power cuts need not wait for. */
export const unsyncedFileSystem: FileSystem = {
  ...nodeFileSystem,
  async open(path, how, mode) {
    const file = await nodeFileSystem.open(path, how, mode);
    return { ...file, sync: async () => {} };
  },
  syncFolder: async () => {},
};
