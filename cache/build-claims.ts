import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { beatMilliseconds, isAlive, type LivingProcess, thisProcess } from "./living-process.ts";
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

  /** Claims a key, or says who is building it: another process, or another claim of this one. */
  tryClaim(key: TraceKey): { readonly claim: BuildClaim } | { readonly holder: ClaimHolder } {
    const nonce = randomBytes(8).toString("hex");
    let holder: ClaimHolder | undefined;
    this.#index.write((prepare) => {
      holder = this.#holderOf(prepare, key);
      if (holder !== undefined) return;
      const { pid, host, started, beat } = thisProcess(this.#now());
      const insert = prepare("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, ?)");
      insert.run(key, nonce, pid, host, started, beat);
    });
    if (holder !== undefined) return { holder };
    this.#nonces.set(nonce, key);
    this.#beating ??= setInterval(() => this.#beat(), beatMilliseconds).unref();
    return { claim: { release: () => this.#release(nonce) } };
  }

  /** Waits until nobody builds the key, or the signal aborts. */
  async untilFree(key: TraceKey, signal?: AbortSignal): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const holder = this.#index.read((prepare) => this.#holderOf(prepare, key), undefined);
      if (holder === undefined || signal?.aborted) return;
      await wait(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }

  /** Waits until the key can be claimed, and claims it. Rejects when the signal aborts. */
  async claim(key: TraceKey, { signal }: { signal?: AbortSignal } = {}): Promise<BuildClaim> {
    for (;;) {
      signal?.throwIfAborted();
      const outcome = this.tryClaim(key);
      if ("claim" in outcome) return outcome.claim;
      await this.untilFree(key, signal);
    }
  }

  /** Releases whatever this process still claims. */
  close(): void {
    for (const nonce of [...this.#nonces.keys()]) this.#release(nonce);
  }

  #holderOf(prepare: Prepare, key: TraceKey): ClaimHolder | undefined {
    const row = prepare("SELECT pid, host, started, beat FROM claims WHERE key = ?").get(key) as
      | LivingProcess
      | undefined;
    return row !== undefined && isAlive(row, this.#now()) ? row : undefined;
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
