import { dirname, join } from "node:path";
import { CacheError, namingPath } from "../../cache/cache-error.ts";
import { writeInto } from "../../cache/cache-folder.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../../cache/digest.ts";
import { removeOrphansIn } from "../../cache/durable-file.ts";
import type { FileSystem } from "../../cache/file-system.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { ArtifactTree } from "../artifact.ts";
import type { Problem } from "../diagnostic.ts";
import type { Event } from "../event.ts";
import type { Destination, PipelineStage } from "../pipeline/pipeline.ts";
import type { Built } from "./built.ts";
import { lockedFilesIn } from "./locked-files.ts";

/** What placing needs: the cache, and a file that remembers what was placed where. */
export interface PlaceOptions {
  readonly cache: Cache;
  /** Folder for the records of what was placed. */
  readonly placedFolder: string;
  /** What the lockfile names as the first output of a stage, for where another cache has the record. */
  lockedOutput?(stage: PipelineStage): Promise<Digest | undefined>;
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
    await placeTree(output.tree, destination, stage, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    const { code, message, hint } = error;
    return { code, message, hint };
  }
}

async function placeTree(
  tree: ArtifactTree,
  destination: Destination,
  stage: PipelineStage,
  options: PlaceOptions,
): Promise<void> {
  const { cache, placedFolder, emit } = options;
  const { fileSystem } = cache.folder;
  const record = join(
    placedFolder,
    `${hexOf(digestOf([destination.absolute, ...(destination.files ?? [])].join("\n")))}.json`,
  );
  const recorded = readPlaced(record, fileSystem);
  const wanted = new Map(Object.entries(tree.files).map(([path, { digest }]) => [path, [digest]]));
  const before = await allOurs(recorded, { tree, destination, stage }, options);
  // First, so that after a kill on the way both old and new files are known to be ours.
  await writePlaced(record, recorded, bothOf(before, wanted), cache);
  const written = new Set<string>();
  for (const [path, [digest]] of wanted) {
    const target = join(destination.absolute, path);
    failBehindLink(destination, path, fileSystem);
    const found = await digestOfFileAt(target, cache);
    if (found === digest) continue;
    if (found !== undefined && !before.get(path)?.includes(found)) {
      const backup = await freeBackupName(target, fileSystem);
      await fileSystem.rename(target, backup);
      const message = `${shownIn(destination, path)} had been changed by hand: kept as ${backup}.`;
      emit({ type: "notice", code: "output-kept-aside", stage: stage.name, message });
    }
    await cache.blobs.materialize(digest!, target);
    written.add(dirname(target));
  }
  for (const folder of written) await removeOrphansIn(fileSystem, folder);
  for (const [path, digests] of before) {
    const target = join(destination.absolute, path);
    const found = wanted.has(path) ? undefined : await digestOfFileAt(target, cache);
    if (found !== undefined && digests.includes(found)) await fileSystem.unlink(target);
  }
  await writePlaced(record, bothOf(before, wanted), wanted, cache);
}

/**
 * What is recorded as ours, and, where something else stands at a destination, what the lockfile shows to be ours: the
 * record lies in the cache, and this may be another one, or new.
 */
async function allOurs(
  recorded: Placed,
  placing: { tree: ArtifactTree; destination: Destination; stage: PipelineStage },
  { cache, lockedOutput }: PlaceOptions,
): Promise<Placed> {
  const { tree, destination, stage } = placing;
  for (const [path, { digest }] of Object.entries(tree.files)) {
    const found = await digestOfFileAt(join(destination.absolute, path), cache);
    if (found === undefined || found === digest || recorded.get(path)?.includes(found)) continue;
    const locked = await lockedOutput?.(stage);
    if (locked === undefined) return recorded;
    return bothOf(recorded, await lockedFilesIn(destination.absolute, tree, locked, cache));
  }
  return recorded;
}

/** By path the digests of the files that are ours: one, or while they are being replaced two. */
type Placed = ReadonlyMap<string, readonly Digest[]>;

function bothOf(before: Placed, wanted: Placed): Placed {
  const both = new Map(wanted);
  for (const [path, digests] of before)
    both.set(path, [...new Set([...digests, ...(wanted.get(path) ?? [])])]);
  return both;
}

async function writePlaced(record: string, before: Placed, placed: Placed, cache: Cache) {
  const textOf = (files: Placed) => JSON.stringify(Object.fromEntries([...files].sort()));
  if (textOf(placed) === textOf(before)) return;
  await namingPath("write", record, () =>
    writeInto(cache.folder, record, Buffer.from(textOf(placed))),
  );
}

/** A link below the destination could lead anywhere; it is not followed. */
function failBehindLink(destination: Destination, path: string, fileSystem: FileSystem): void {
  const names = path.split("/").slice(0, -1);
  for (let depth = 1; depth <= names.length; depth++) {
    const folder = names.slice(0, depth).join("/");
    if (fileSystem.factsSync(join(destination.absolute, folder))?.kind !== "link") continue;
    const shown = shownIn(destination, folder);
    throw new CacheError("file-unusable", `${shown} is a link, so nothing is written into it.`, {
      hint: "Replace the link by a folder, or save elsewhere.",
    });
  }
}

async function digestOfFileAt(path: string, { files, folder }: Cache): Promise<Digest | undefined> {
  const facts = folder.fileSystem.factsSync(path);
  if (facts === undefined) return undefined;
  return facts.kind === "file"
    ? (await files.ofFile(path)).digest
    : digestOf(`not a file: ${facts.kind}`);
}

/** What was placed last; an unreadable record counts as none, so nothing is overwritten. */
function readPlaced(record: string, fileSystem: FileSystem): Placed {
  if (fileSystem.factsSync(record)?.kind !== "file") return new Map();
  try {
    const text = Buffer.from(fileSystem.readFileSync(record)).toString("utf8");
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(
      entries.map(([path, digests]) => [path, [digests].flat().filter((one) => isDigest(one))]),
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

/** A file of a destination as the pipeline file would name it. */
function shownIn({ shown, files }: Destination, path: string): string {
  return files === undefined ? join(shown, path) : path;
}
