import type { Digest } from "./digest.ts";

/** Why the cache could not do what it was asked. */
export type CacheErrorCode =
  | "blob-missing"
  | "blob-corrupt"
  | "cache-io"
  | "cache-folder-taken"
  | "digest-invalid"
  | "file-unusable"
  | "sqlite-too-old"
  | "sqlite-unavailable"
  | "trace-key-invalid";

/** A failure that a user can meet: a stable code, a sentence, and what to do about it. */
export class CacheError extends Error {
  readonly code: CacheErrorCode;
  readonly hint: string;

  constructor(code: CacheErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "CacheError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** A blob that is not in the store. Running its producer again heals it. */
export class BlobMissing extends CacheError {
  readonly digest: Digest;

  constructor(digest: Digest) {
    super("blob-missing", `${digest} is not in the cache.`, {
      hint: "Run the pipeline: the stage that makes it runs again.",
    });
    this.name = "BlobMissing";
    this.digest = digest;
  }
}

/**
 * A blob whose bytes are not those its name promises. It is in quarantine now, where the cache can
 * be written to; running its producer again heals it.
 */
export class BlobCorrupt extends CacheError {
  readonly digest: Digest;

  constructor(digest: Digest, found: string) {
    super("blob-corrupt", `${digest} is corrupt in the cache: ${found}.`, {
      hint: "Run the pipeline: the stage that makes it runs again. If this repeats, check the disk.",
    });
    this.name = "BlobCorrupt";
    this.digest = digest;
  }
}

/** The `errno` name of a system error (`ENOENT`, `ENOSPC`, …), if it is one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

const ioHints: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full: free some space, or put the cache elsewhere with TUNESMITH_CACHE.",
  EDQUOT:
    "Your disk quota is used up: free some space, or put the cache elsewhere with TUNESMITH_CACHE.",
  EFBIG: "The file is larger than the file system or `ulimit -f` allows.",
  EROFS: "The file system is read-only: put the cache elsewhere with TUNESMITH_CACHE.",
  EACCES:
    "Check who owns the folder and its permissions, or put the cache elsewhere with TUNESMITH_CACHE.",
  EPERM:
    "Check who owns the folder and its permissions, or put the cache elsewhere with TUNESMITH_CACHE.",
  EMFILE: "Too many files are open: raise `ulimit -n` or lower --jobs.",
  ENFILE: "Too many files are open on this machine: lower --jobs.",
  EIO: "The disk reports an error: check it before trusting it with more.",
};

/**
 * Runs an action on a path; a system error comes out as a CacheError (`cache-io`) that names the
 * path and what to do.
 */
export async function namingPath<T>(
  action: string,
  path: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw withPath(action, path, error);
  }
}

/** `namingPath` for what happens at once. */
export function namingPathSync<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw withPath(action, path, error);
  }
}

/**
 * A system error as a CacheError (`cache-io`) that names the path and what to do; any other error
 * as it is.
 */
export function withPath(action: string, path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const message = `Could not ${action} ${path}: ${(error as Error).message}`;
  return new CacheError("cache-io", message, {
    hint: ioHints[errno] ?? "Check the path and try again.",
    cause: error,
  });
}
