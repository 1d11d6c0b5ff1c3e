import { join } from "node:path";
import { removeIfPresent } from "./durable-file.ts";
import { isAbsence } from "./file-system.ts";
import type { Cache } from "./open-cache.ts";

/** How long logs of runs and what lies in quarantine are kept. */
const keptMilliseconds = 30 * 24 * 3_600_000;

/** Removes logs and quarantined files that nobody has written for 30 days. */
export async function removeOldFiles({ folder, now }: Cache): Promise<void> {
  const { fileSystem } = folder;
  const isOld = (path: string) => {
    const written = fileSystem.factsSync(path)?.mtimeNs;
    return written !== undefined && Number(written / 1_000_000n) < now() - keptMilliseconds;
  };
  const removeIn = async (path: string) => {
    for (const { name, kind } of fileSystem.readdirSync(path)) {
      if (kind !== "folder" && isOld(join(path, name)))
        await removeIfPresent(fileSystem, join(path, name));
    }
  };
  await removeIn(folder.quarantine);
  for (const { name, kind } of fileSystem.readdirSync(folder.logs)) {
    const run = join(folder.logs, name);
    if (kind !== "folder" || !isOld(run)) continue;
    try {
      await removeIn(run);
      if (fileSystem.readdirSync(run).length === 0) await fileSystem.rmdir(run);
    } catch (error) {
      // Another collection was faster.
      if (!isAbsence(error)) throw error;
    }
  }
}
