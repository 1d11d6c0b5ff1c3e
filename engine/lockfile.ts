import { parseDocument } from "yaml";
import type { Digest } from "../cache/digest.ts";
import type { Change } from "./build/changes.ts";
import type { Problem } from "./diagnostic.ts";
import { formatLockfile } from "./lockfile-text.ts";
import { failure, type Result, success } from "./result.ts";
import type { Json } from "./stage.ts";
import { validateLockfile } from "./validate-lockfile.ts";

/** The pinned trace of one stage. */
export interface LockedStage {
  readonly uses: string;
  readonly version: number;
  /** All params, defaults included, paths as written. */
  readonly params: { readonly [key: string]: Json };
  /** Only where the result depends on it. */
  readonly seed?: number;
  readonly key: string;
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly outputs: Readonly<Record<string, Digest>>;
  /** `exact`: equal bytes on any machine; else the facts of the machine class within which bytes are equal. */
  readonly determinism: "exact" | { readonly [fact: string]: Json };
  readonly metrics: Readonly<Record<string, number>>;
  /** Of a user's own stage whose code imports installed packages: their versions. */
  readonly packages?: Readonly<Record<string, string>>;
}

/** A file or folder that the pipeline reads, by the path the pipeline file gives it. */
export interface LockedSource {
  readonly sha256: string;
  readonly bytes: number;
  /** For a folder: the files that count. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What a run used and made: enough to reproduce it, nothing of where and when. */
export interface Lockfile {
  readonly lockfile_version: 1;
  readonly tunesmith: string;
  readonly pipeline: string;
  readonly sources: Readonly<Record<string, LockedSource>>;
  readonly stages: Readonly<Record<string, LockedStage>>;
}

/** Where a pipeline's lockfile lies: `x.tune.yaml` has `x.tune.lock.yaml` beside it. */
export function lockfilePathOf(pipelinePath: string): string {
  return pipelinePath.replace(/(\.ya?ml)?$/, ".lock.yaml");
}

const MOST_LOCKFILE_BYTES = 16 * 1024 * 1024;

/** The lockfile's one text; equal lockfiles give equal bytes. */
export function lockfileText(lockfile: Lockfile): string {
  return formatLockfile(lockfile as unknown as { readonly [key: string]: Json });
}

/** Reads a lockfile's text; a text that is none comes back as a problem that says where it goes wrong. */
export function parseLockfile(text: string): Result<Lockfile, Problem> {
  if (text.length > MOST_LOCKFILE_BYTES) return failure(unreadable("it is larger than 16 MiB"));
  if (/^(<{7}|={7}|>{7})/m.test(text)) {
    const hint = "`tunesmith run` of the whole pipeline writes the lockfile anew";
    return failure({ ...unreadable("it holds git conflict markers"), hint });
  }
  const document = parseDocument(text, { uniqueKeys: true, maxAliasCount: 0 } as object);
  const [error] = document.errors;
  if (error !== undefined)
    return failure(unreadable(error.message.split("\n")[0]!.replace(/:$/, "")));
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  const reason = validateLockfile(value);
  return reason === undefined ? success(value as Lockfile) : failure(unreadable(reason));
}

/**
 * The first line that is not as a run writes it, although all facts can be read: somebody, or a bad disk, changed the
 * file. Ends of lines may be Windows' own, which git puts there.
 */
export function changedLine(text: string, lockfile: Lockfile): Change | undefined {
  const found = text.replaceAll("\r\n", "\n").split("\n");
  const written = lockfileText(lockfile).split("\n");
  const count = Math.max(found.length, written.length);
  for (let at = 0; at < count; at++)
    if (found[at] !== written[at])
      return { path: `line ${at + 1}`, from: found[at], to: written[at] };
  return undefined;
}

function unreadable(reason: string): Problem {
  return {
    code: "lockfile-unreadable",
    message: `The lockfile cannot be read: ${reason}.`,
    hint: "restore it from version control, or delete it and run the pipeline to write it anew",
  };
}
