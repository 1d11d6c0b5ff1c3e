import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Outputs of an earlier run, kept while the program makes new ones. */
export interface SetAside {
  /** Removes what was kept. */
  discard(): Promise<void>;
  /** Removes what the program has written and puts back what was there. */
  restore(): Promise<void>;
}

/**
 * Moves files and folders aside, beside where they lie, and makes the folders for new ones. What a killed run has left
 * aside is put back first.
 */
export async function setAside(paths: readonly string[]): Promise<SetAside> {
  const kept = paths.map((path) => ({ path, aside: asideOf(path) }));
  for (const { path, aside } of kept) {
    await mkdir(dirname(path), { recursive: true });
    if (await exists(aside)) await putBack(path, aside);
    if (await exists(path)) await rename(path, aside);
  }
  return {
    async discard() {
      for (const { aside } of kept) await rm(aside, { recursive: true, force: true });
    },
    async restore() {
      for (const { path, aside } of kept)
        if (await exists(aside)) await putBack(path, aside);
        else await rm(path, { recursive: true, force: true });
    },
  };
}

function asideOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.tunesmith-previous`);
}

async function putBack(path: string, aside: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await rename(aside, path);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
