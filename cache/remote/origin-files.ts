import { join } from "node:path";
import type { CacheFolder } from "../cache-folder.ts";
import { isAbsence } from "../file-system.ts";
import { manifestName } from "../manifest.ts";
import type { Trace } from "../trace-store.ts";
import { readSigned } from "./signed-manifest.ts";
import type { PublicKey } from "./signing-key.ts";

/** Where the signed manifest of a trace that came from elsewhere lies. */
export function originPath(folder: CacheFolder, trace: Pick<Trace, "key" | "outputs">): string {
  return join(folder.origins, trace.key.slice(0, 2), manifestName(trace));
}

/** Whose signature a trace came with; `undefined` for one that was made here. */
export function signerOf(
  folder: CacheFolder,
  trace: Pick<Trace, "key" | "outputs">,
): PublicKey | undefined {
  try {
    const text = Buffer.from(folder.fileSystem.readFileSync(originPath(folder, trace))).toString();
    return readSigned(text)?.signer;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
