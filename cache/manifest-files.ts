import { join } from "node:path";
import { type CacheFolder, quarantine, writeInto } from "./cache-folder.ts";
import { isAbsence } from "./file-system.ts";
import { manifestName, manifestOf, traceOf } from "./manifest.ts";
import type { Trace, TraceKey } from "./trace-store.ts";

/** A manifest as found on the disk. */
export interface ManifestFile {
  readonly path: string;
  readonly text: string;
  readonly trace: Trace;
}

/** Where a trace's manifest lies, or would lie. */
export function manifestPath(folder: CacheFolder, trace: Pick<Trace, "key" | "outputs">): string {
  return join(folder.manifests, trace.key.slice(0, 2), manifestName(trace));
}

/** Writes a trace's manifest; returns its text once it is on the disk. */
export async function writeManifest(folder: CacheFolder, trace: Trace): Promise<string> {
  const text = manifestOf(trace);
  await writeInto(folder, manifestPath(folder, trace), Buffer.from(text));
  return text;
}

/** All intact manifests of a key. A damaged one goes to quarantine. */
export function manifestsOf(folder: CacheFolder, key: TraceKey): ManifestFile[] {
  const shard = key.slice(0, 2);
  return namesIn(folder, shard)
    .filter((name) => name.startsWith(`${key.slice(2)}.`))
    .map((name) => readManifest(folder, shard, name))
    .filter((found) => typeof found === "object");
}

/** All intact manifests. Damaged ones go to quarantine. */
export function* allManifests(folder: CacheFolder): Generator<ManifestFile> {
  for (const shard of namesIn(folder)) {
    for (const name of namesIn(folder, shard)) {
      const found = readManifest(folder, shard, name);
      if (typeof found === "object") yield found;
    }
  }
}

/** The names of the manifests' shards, or in one of them; none where it is not there. */
export function namesIn(folder: CacheFolder, shard = ""): string[] {
  try {
    return folder.fileSystem.readdirSync(join(folder.manifests, shard)).map(({ name }) => name);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/**
 * Reads a manifest. A damaged one, or one under another's name, goes to quarantine; one of another
 * format is left alone.
 */
export function readManifest(
  folder: CacheFolder,
  shard: string,
  name: string,
): ManifestFile | "missing" | "corrupt" | "foreign" {
  const path = join(folder.manifests, shard, name);
  const facts = folder.fileSystem.factsSync(path);
  if (facts === undefined) return "missing";
  const text = facts.kind === "file" ? readText(folder, path) : "";
  if (text === undefined) return "missing";
  const trace = traceOf(text);
  if (trace === "foreign") return trace;
  if (trace !== "corrupt" && manifestPath(folder, trace) === path) return { path, text, trace };
  quarantine(folder, path, facts);
  return "corrupt";
}

function readText({ fileSystem }: CacheFolder, path: string): string | undefined {
  try {
    return Buffer.from(fileSystem.readFileSync(path)).toString("utf8");
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
