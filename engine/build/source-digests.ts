import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CacheError } from "../../cache/cache-error.ts";
import { type Digest, digestOf } from "../../cache/digest.ts";
import type { FileDigests } from "../../cache/file-digest.ts";
import { canonicalJson } from "../canonical-json.ts";
import type { Problem } from "../diagnostic.ts";
import { filesMatching } from "../pipeline/file-pattern.ts";
import type { SourcePath } from "../pipeline/pipeline.ts";

/** The content of a file or folder that a stage's params name. */
export interface SourceDigest {
  readonly digest: Digest;
  readonly bytes: number;
  /** For a folder: digests of the files that count, by relative path. */
  readonly files?: Readonly<Record<string, Digest>>;
}

/** Digests a source; one that cannot be read comes back as a problem that names it as the pipeline file does. */
export async function digestSource(
  source: SourcePath,
  files: FileDigests,
): Promise<SourceDigest | { readonly problem: Problem }> {
  try {
    if (source.pattern !== undefined) return await digestMatching(source, source.pattern, files);
    const isFolder = (await stat(source.absolute)).isDirectory();
    return isFolder ? await digestFolder(source, files) : await files.ofFile(source.absolute);
  } catch (error) {
    if (error instanceof CacheError) {
      const { code, message, hint } = error;
      return { problem: { code, message, hint } };
    }
    const message = `${source.shown} cannot be read: ${error instanceof Error ? error.message : error}`;
    return { problem: { code: "source-unreadable", message } };
  }
}

async function digestMatching(
  { absolute }: SourcePath,
  pattern: string,
  files: FileDigests,
): Promise<SourceDigest> {
  const found: Record<string, Digest> = {};
  let bytes = 0;
  for (const path of await filesMatching(absolute, pattern)) {
    const file = await files.ofFile(join(absolute, path));
    found[path] = file.digest;
    bytes += file.bytes;
  }
  return { digest: digestOf(canonicalJson(found)), bytes, files: found };
}

async function digestFolder(source: SourcePath, files: FileDigests): Promise<SourceDigest> {
  const patterns = source.files?.map(patternOf);
  const isSkipped = (path: string) =>
    patterns !== undefined && !patterns.some((pattern) => pattern.test(path));
  const folder = await files.ofFolder(source.absolute, { isSkipped });
  return {
    digest: folder.digest,
    bytes: folder.files.reduce((sum, { bytes }) => sum + bytes, 0),
    files: Object.fromEntries(folder.files.map(({ path, digest }) => [path, digest])),
  };
}

function patternOf(name: string): RegExp {
  return new RegExp(
    `^${name
      .split("*")
      .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"))
      .join("[^/]*")}$`,
  );
}
