import { randomBytes } from "node:crypto";
import { beatMilliseconds, isAlive, type LivingProcess, thisProcess } from "./living-process.ts";
import type { Prepare, SqliteIndex } from "./sqlite-index.ts";
import type { TraceKey } from "./trace-store.ts";

/** A running pipeline's hold on all it uses. `release` it at the end. */
export interface Lease {
  release(): void;
}

/** How long something used stays out of reach of a collection, whoever used it. */
export const graceMilliseconds = 600_000;
/** A use that is younger need not be written again: half the grace is left of it. */
const freshMilliseconds = graceMilliseconds / 2;

/**
 * Who is running, and when each key was last used. A collection leaves alone whatever was used
 * since the oldest running pipeline started, and for some minutes before.
 */
export class RunLeases {
  readonly #index: SqliteIndex;
  readonly #now: () => number;
  readonly #held = new Map<string, number>();
  #beating: NodeJS.Timeout | undefined;

  constructor(index: SqliteIndex, now: () => number) {
    this.#index = index;
    this.#now = now;
  }

  /** From now on, until it is released or this process ends, nothing that is used is collected. */
  take(): Lease {
    const nonce = randomBytes(8).toString("hex");
    this.#held.set(nonce, this.#now());
    this.#write();
    this.#beating ??= setInterval(() => this.#write(), beatMilliseconds).unref();
    return { release: () => this.#release(nonce) };
  }

  /**
   * Notes that a key's trace is used now; to be called before its blobs are looked for, so that
   * what is found then stays.
   */
  use(key: TraceKey): void {
    const now = this.#now();
    const at = this.#index.read(
      (prepare) => prepare("SELECT at FROM uses WHERE key = ?").pluck().get(key),
      undefined,
    );
    if (typeof at === "number" && Math.abs(now - at) < freshMilliseconds) return;
    this.#index.write((prepare) => {
      prepare("INSERT OR REPLACE INTO uses VALUES (?, ?)").run(key, now);
    });
  }

  /** Releases whatever this process still holds. */
  close(): void {
    for (const nonce of [...this.#held.keys()]) this.#release(nonce);
  }

  // The whole row each time: the index may have been thrown away since.
  #write(): void {
    this.#index.write((prepare) => {
      const insert = prepare("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)");
      const { pid, host, started, beat } = thisProcess(this.#now());
      for (const [nonce, since] of this.#held) insert.run(nonce, pid, host, started, beat, since);
    });
  }

  #release(nonce: string): void {
    if (!this.#held.delete(nonce)) return;
    this.#index.write((prepare) => {
      prepare("DELETE FROM leases WHERE nonce = ?").run(nonce);
    });
    if (this.#held.size > 0) return;
    clearInterval(this.#beating);
    this.#beating = undefined;
  }
}

interface LeaseRow extends LivingProcess {
  readonly since: number;
}

function livingLeases(prepare: Prepare, now: number): readonly LeaseRow[] {
  const rows = prepare("SELECT pid, host, started, beat, since FROM leases").all() as LeaseRow[];
  return rows.filter((row) => isAlive(row, now));
}

/** The time before which nothing was used by a pipeline that runs now, nor in the last minutes. */
export function unusedBefore(prepare: Prepare, now: number): number {
  return Math.min(now, ...livingLeases(prepare, now).map(({ since }) => since)) - graceMilliseconds;
}

/** When each key was last used, as far as the index knows. */
export function lastUses(prepare: Prepare): ReadonlyMap<string, number> {
  const rows = prepare("SELECT key, at FROM uses").all() as { key: string; at: number }[];
  return new Map(rows.map(({ key, at }) => [key, at]));
}
