import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { isRunning } from "./cache-folder.ts";
import type { Prepare, SqliteIndex } from "./sqlite-index.ts";
import type { TraceKey } from "./trace-store.ts";

/** The right to build one key. `release` it when the trace is recorded or the build has failed. */
export interface BuildClaim {
  release(): void;
}

/** Who is building a key. */
export interface ClaimHolder {
  readonly pid: number;
  readonly host: string;
}

interface ClaimRow extends ClaimHolder {
  readonly nonce: string;
  readonly beat: number;
}

const beatMilliseconds = 5_000;
/**
 * After so long without a sign a holder counts as gone: stopped, on a machine that went down, or
 * another process under its number.
 */
const silenceMilliseconds = 60_000;
const [firstPause, longestPause] = [20, 500];

/**
 * Lets processes that share a cache build each key once: one builds, the others wait for its trace.
 * Claims lie in the index; one whose process has ended is void at once, and nothing needs to be
 * unlocked by hand. Where the index is out of reach everyone builds: double work, never a wrong
 * result.
 */
export class BuildClaims {
  readonly #index: SqliteIndex;
  readonly #now: () => number;
  readonly #nonces = new Map<string, TraceKey>();
  #beating: NodeJS.Timeout | undefined;

  constructor(index: SqliteIndex, now: () => number) {
    this.#index = index;
    this.#now = now;
  }

  /**
   * Waits until no other process, nor another claim of this one, builds the key, and claims it.
   * `onWait` is told once whom it waits for. Rejects when the signal aborts.
   */
  async claim(
    key: TraceKey,
    { signal, onWait }: { signal?: AbortSignal; onWait?: (holder: ClaimHolder) => void } = {},
  ): Promise<BuildClaim> {
    const nonce = randomBytes(8).toString("hex");
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      signal?.throwIfAborted();
      const holder = this.#tryToClaim(key, nonce);
      if (holder === undefined) break;
      if (pause === firstPause) onWait?.(holder);
      await wait(pause, undefined, signal === undefined ? {} : { signal });
    }
    this.#nonces.set(nonce, key);
    this.#beating ??= setInterval(() => this.#beat(), beatMilliseconds).unref();
    return { release: () => this.#release(nonce) };
  }

  /** Releases whatever this process still claims. */
  close(): void {
    for (const nonce of [...this.#nonces.keys()]) this.#release(nonce);
  }

  /** Claims the key, or returns who holds it. */
  #tryToClaim(key: TraceKey, nonce: string): ClaimHolder | undefined {
    let holder: ClaimHolder | undefined;
    this.#index.write((prepare) => {
      const row = rowOf(prepare, key);
      holder = row !== undefined && this.#isAlive(row) ? row : undefined;
      if (holder !== undefined) return;
      prepare("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)").run(
        key,
        nonce,
        process.pid,
        hostname(),
        this.#now(),
      );
    });
    return holder;
  }

  #isAlive({ pid, host, beat }: ClaimRow): boolean {
    if (host === hostname() && !isRunning(pid)) return false;
    return Math.abs(this.#now() - beat) < silenceMilliseconds;
  }

  #beat(): void {
    this.#index.write((prepare) => {
      const touch = prepare("UPDATE claims SET beat = ? WHERE nonce = ?");
      for (const nonce of this.#nonces.keys()) touch.run(this.#now(), nonce);
    });
  }

  #release(nonce: string): void {
    if (!this.#nonces.delete(nonce)) return;
    this.#index.write((prepare) => {
      prepare("DELETE FROM claims WHERE nonce = ?").run(nonce);
    });
    if (this.#nonces.size > 0) return;
    clearInterval(this.#beating);
    this.#beating = undefined;
  }
}

function rowOf(prepare: Prepare, key: TraceKey): ClaimRow | undefined {
  return prepare("SELECT nonce, pid, host, beat FROM claims WHERE key = ?").get(key) as
    | ClaimRow
    | undefined;
}
