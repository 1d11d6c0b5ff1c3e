import { open, stat } from "node:fs/promises";
import { join } from "node:path";

/** Read access to the files of a model, wherever they lie. Names are plain, without folders. */
export interface FileSource {
  /** The size in bytes, or undefined where there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** The bytes [begin, end) of a file, in memory of their own. */
  read(name: string, begin: number, end: number): Promise<Uint8Array>;
}

/** The files of a folder on disk. */
export function folderSource(folder: string): FileSource {
  return {
    async size(name) {
      try {
        const found = await stat(join(folder, name));
        return found.isFile() ? found.size : undefined;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ENOTDIR") return undefined;
        throw error;
      }
    },
    async read(name, begin, end) {
      const file = await open(join(folder, name));
      try {
        const bytes = new Uint8Array(end - begin);
        for (let at = 0; at < bytes.length; ) {
          const { bytesRead } = await file.read(bytes, at, bytes.length - at, begin + at);
          if (bytesRead === 0)
            throw new Error(`${name} ended at byte ${begin + at}, before ${end}.`);
          at += bytesRead;
        }
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

/** Files in memory. */
export function memorySource(files: ReadonlyMap<string, Uint8Array>): FileSource {
  return {
    async size(name) {
      return files.get(name)?.byteLength;
    },
    async read(name, begin, end) {
      const bytes = files.get(name);
      if (bytes === undefined) throw new Error(`internal: no file "${name}".`);
      return bytes.slice(begin, end);
    },
  };
}
