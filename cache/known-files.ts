import { type Digest, isDigest } from "./digest.ts";
import { identityOf, isRacy } from "./file-identity.ts";
import type { FileFacts } from "./file-system.ts";
import { seal, unseal } from "./sealed-json.ts";
import type { SqliteIndex } from "./sqlite-index.ts";

/**
 * How many new digests are gathered before they are written: a transaction for each would cost more
 * than hashing small files.
 */
const gatheredLimit = 1000;

/**
 * The digests of files as they were when last read, kept in the cache's index. Forgetting them
 * costs reading the files again, nothing else.
 */
export class KnownFiles {
  readonly #index: SqliteIndex;
  readonly #unwritten = new Map<string, string>();

  readonly #now: () => number;

  readonly #isParanoid: boolean;

  /** `now` is the time in milliseconds since 1970. Paranoid, it knows nothing that this process has not read. */
  constructor(index: SqliteIndex, now: () => number, isParanoid = false) {
    this.#isParanoid = isParanoid;
    this.#index = index;
    this.#now = now;
  }

  /**
   * The digest of the file at a path, if it is still the file, unchanged, that `remember` was told
   * of.
   */
  digestOf(path: string, facts: FileFacts): Digest | undefined {
    const content = unseal(this.#recall(path) ?? "");
    if (typeof content !== "object" || content === null || !("digest" in content)) return undefined;
    const isSame = content.path === path && content.identity === identityOf(facts);
    return isSame && isDigest(content.digest) ? content.digest : undefined;
  }

  /**
   * Remembers what was read from a file of these facts, unless it changed so recently that a
   * further change could go unseen.
   */
  remember(path: string, facts: FileFacts, digest: Digest): void {
    if (isRacy(facts, this.#now())) return;
    this.#unwritten.set(path, seal({ path, identity: identityOf(facts), digest }));
    if (this.#unwritten.size >= gatheredLimit) this.flush();
  }

  /** Writes what was gathered; to be called before the index is closed. */
  flush(): void {
    if (this.#unwritten.size === 0) return;
    this.#index.write((prepare) => {
      const insert = prepare("INSERT OR REPLACE INTO file_digests VALUES (?, ?)");
      for (const [path, record] of this.#unwritten) insert.run(path, record);
    });
    this.#unwritten.clear();
  }

  #recall(path: string): string | undefined {
    const unwritten = this.#unwritten.get(path);
    if (unwritten !== undefined || this.#isParanoid) return unwritten;
    const sql = "SELECT record FROM file_digests WHERE path = ?";
    const record = this.#index.read((prepare) => prepare(sql).pluck().get(path), undefined);
    return typeof record === "string" ? record : undefined;
  }
}
