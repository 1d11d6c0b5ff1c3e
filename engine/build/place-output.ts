import { join } from "node:path";
import { CacheError } from "../../cache/cache-error.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../../cache/digest.ts";
import { writeFileDurably } from "../../cache/durable-file.ts";
import type { FileSystem } from "../../cache/file-system.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { ArtifactTree } from "../artifact.ts";
import type { Problem } from "../diagnostic.ts";
import type { Event } from "../event.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { Built } from "./rebuilder.ts";

/** What placing needs: the cache, and a file that remembers what was placed where. */
export interface PlaceOptions {
  readonly cache: Cache;
  /** Folder for the records of what was placed. */
  readonly placedFolder: string;
  emit(event: Event): void;
}

/**
 * Puts a stage's first output where its params say. Each file is written aside and renamed; files that are right
 * already are left alone. A file that someone else changed is kept as `<name>.backup`, never overwritten silently;
 * a file that an earlier run placed and this one does not have is removed.
 */
export async function placeOutput(
  stage: PipelineStage,
  built: Built,
  options: PlaceOptions,
): Promise<Problem | undefined> {
  const { destination } = stage;
  const port = Object.keys(stage.kind.outputs)[0];
  const output = port === undefined ? undefined : built.outputs[port];
  if (destination === undefined || output === undefined) return undefined;
  try {
    await placeTree(output.tree, destination, stage.name, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    const { code, message, hint } = error;
    return { code, message, hint };
  }
}

async function placeTree(
  tree: ArtifactTree,
  destination: { readonly absolute: string; readonly shown: string },
  stage: string,
  { cache, placedFolder, emit }: PlaceOptions,
): Promise<void> {
  const { fileSystem } = cache.folder;
  const record = join(placedFolder, `${hexOf(digestOf(destination.absolute))}.json`);
  const before = readPlaced(record, fileSystem);
  const wanted = new Map(Object.entries(tree.files).map(([path, { digest }]) => [path, digest]));
  for (const [path, digest] of wanted) {
    const target = join(destination.absolute, path);
    const found = await digestOfFileAt(target, cache);
    if (found === digest) continue;
    if (found !== undefined && before.get(path) !== found) {
      const backup = await freeBackupName(target, fileSystem);
      await fileSystem.rename(target, backup);
      const message = `${join(destination.shown, path)} had been changed by hand: kept as ${backup}.`;
      emit({ type: "notice", code: "output-kept-aside", stage, message });
    }
    await cache.blobs.materialize(digest, target);
  }
  for (const [path, digest] of before) {
    const target = join(destination.absolute, path);
    if (!wanted.has(path) && (await digestOfFileAt(target, cache)) === digest)
      await fileSystem.unlink(target);
  }
  const text = JSON.stringify(Object.fromEntries(wanted));
  if (text === JSON.stringify(Object.fromEntries(before))) return;
  await fileSystem.mkdir(placedFolder);
  await writeFileDurably(record, text, { fileSystem });
}

async function digestOfFileAt(path: string, { files, folder }: Cache): Promise<Digest | undefined> {
  const facts = folder.fileSystem.factsSync(path);
  if (facts === undefined) return undefined;
  return facts.kind === "file"
    ? (await files.ofFile(path)).digest
    : digestOf(`not a file: ${facts.kind}`);
}

/** Paths and digests of what was placed last; an unreadable record counts as none, so nothing is overwritten. */
function readPlaced(record: string, fileSystem: FileSystem): ReadonlyMap<string, Digest> {
  if (fileSystem.factsSync(record)?.kind !== "file") return new Map();
  try {
    const value: unknown = JSON.parse(
      Buffer.from(fileSystem.readFileSync(record)).toString("utf8"),
    );
    const entries = Object.entries(value as Record<string, unknown>);
    return new Map(
      entries.flatMap(([path, digest]) => (isDigest(digest) ? [[path, digest] as const] : [])),
    );
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return new Map();
    throw error;
  }
}

async function freeBackupName(target: string, fileSystem: FileSystem): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${target}.backup` : `${target}.backup-${n}`;
    if (fileSystem.factsSync(name) === undefined) return name;
  }
}
