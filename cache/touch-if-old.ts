import { errnoOf } from "./cache-error.ts";
import { type FileSystem, isAbsence } from "./file-system.ts";

/**
 * Marks a blob as used now. False where there is none, or where it belongs to a user who alone may
 * do so. A use younger than `fresh` milliseconds need not be noted again.
 */
export function touchIfOld(fileSystem: FileSystem, path: string, fresh: number): boolean {
  const facts = fileSystem.factsSync(path);
  if (facts?.kind !== "file") return facts !== undefined;
  if (Date.now() - Number(facts.mtimeNs / 1_000_000n) < fresh) return true;
  try {
    fileSystem.touchSync(path);
    return true;
  } catch (error) {
    // Where nothing can be written, nothing is collected either.
    if (errnoOf(error) === "EROFS") return true;
    if (isAbsence(error) || errnoOf(error) === "EPERM" || errnoOf(error) === "EACCES") return false;
    throw error;
  }
}
