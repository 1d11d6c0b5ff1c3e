import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CacheError, errnoOf } from "../../cache/cache-error.ts";
import { writeInto } from "../../cache/cache-folder.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../../cache/digest.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { Explanation } from "./explain-change.ts";
import { fieldOf } from "./explain-code.ts";

/** Larger files are not counted: it would take longer than the answer is worth. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Of each line's digest, enough to tell the lines of one file apart. */
const LINE_BYTES = 8;
const LINE_FEED = 10;

/**
 * Remembers the lines of a stage's source files by their digests, so that a later `why` can say how many changed. Mere
 * explanation: what cannot be kept is left out.
 */
export async function rememberLines(
  { sources }: Pick<PipelineStage, "sources">,
  digests: readonly { readonly digest: Digest; readonly files?: object }[],
  cache: Cache,
): Promise<void> {
  for (const [index, { absolute }] of sources.entries()) {
    const { digest, files } = digests[index]!;
    const path = pathOf(digest, cache);
    if (files !== undefined || cache.folder.fileSystem.factsSync(path) !== undefined) continue;
    try {
      const bytes = await readSmall(absolute);
      if (bytes === undefined || digestOf(bytes) !== digest) continue;
      await mkdir(dirname(path), { recursive: true });
      await writeInto(cache.folder, path, lineDigests(bytes));
    } catch (error) {
      if (!(error instanceof CacheError) && errnoOf(error) === undefined) throw error;
    }
  }
}

/** The explanations, those of changed files with how many of their lines did, where that is known. */
export function countLines(
  explanations: readonly Explanation[],
  { sources }: Pick<PipelineStage, "sources">,
  cache: Cache,
): Promise<readonly Explanation[]> {
  return Promise.all(
    explanations.map(async (explanation) => {
      const { field, from } = explanation;
      const source = sources.find((one) => field === fieldOf(one));
      if (source === undefined || !isDigest(from)) return explanation;
      const before = await readIfThere(pathOf(from, cache));
      const after = before && (await readIfThere(source.absolute));
      if (before === undefined || after === undefined) return explanation;
      const how = sayDifference(before, lineDigests(after));
      return { ...explanation, text: `${source.shown} changed: ${how} (${field})` };
    }),
  );
}

/** Beside the logs: like them it explains past runs, and is removed with them. */
function pathOf(digest: Digest, { folder }: Cache): string {
  return join(folder.logs, "lines", hexOf(digest));
}

async function readSmall(path: string): Promise<Uint8Array | undefined> {
  const { size } = await stat(path);
  return size > MOST_BYTES ? undefined : readFile(path);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readSmall(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

function lineDigests(bytes: Uint8Array): Uint8Array {
  const digests: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    digests.push(createHash("sha256").update(line).digest().subarray(0, LINE_BYTES));
    start = end < 0 ? bytes.length : end + 1;
  }
  return Buffer.concat(digests);
}

function sayDifference(before: Uint8Array, after: Uint8Array): string {
  const counts = new Map<string, number>();
  for (const line of linesOf(after)) counts.set(line, (counts.get(line) ?? 0) + 1);
  let removed = 0;
  for (const line of linesOf(before)) {
    const left = counts.get(line) ?? 0;
    if (left === 0) removed++;
    else counts.set(line, left - 1);
  }
  const added = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (added + removed === 0) return "the same lines in another order";
  const parts = [
    ...(added > 0 ? [`${added} ${added === 1 ? "line" : "lines"} added`] : []),
    ...(removed > 0 ? [`${removed} ${removed === 1 ? "line" : "lines"} removed`] : []),
  ];
  return parts.join(", ");
}

function* linesOf(digests: Uint8Array): Generator<string> {
  for (let at = 0; at < digests.length; at += LINE_BYTES)
    yield Buffer.from(digests.subarray(at, at + LINE_BYTES)).toString("latin1");
}
