import { randomBytes } from "node:crypto";
import { beatMilliseconds, isAlive, type LivingProcess, thisProcess } from "./living-process.ts";
import type { Prepare, SqliteIndex } from "./sqlite-index.ts";
import type { TraceKey } from "./trace-store.ts";

/** A running pipeline's hold on all it uses. `release` it at the end. */
export interface Lease {
  release(): void;
}

/**
 * Who is running, and when each key was last used. A collection leaves alone whatever was used
 * since the oldest running pipeline started, and for some minutes before.
 */
export class RunLeases {
  readonly #index: SqliteIndex;
  readonly #now: () => number;
  readonly #graceMilliseconds: number;
  readonly #held = new Map<string, number>();
  #beating: NodeJS.Timeout | undefined;

  constructor(index: SqliteIndex, now: () => number, graceMilliseconds: number) {
    this.#index = index;
    this.#graceMilliseconds = graceMilliseconds;
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
   * What `find` finds for a key, noted as used now: it stays while this pipeline runs. To be called
   * before its blobs are looked for.
   */
  inUse<T>(key: TraceKey, find: () => readonly T[]): readonly T[] {
    const found = find();
    if (found.length === 0 || this.#isNoted(key)) return found;
    this.#index.write((prepare) => {
      prepare("INSERT OR REPLACE INTO uses VALUES (?, ?)").run(key, this.#now());
    });
    // A collection may have taken it before the note; not after.
    return find();
  }

  #isNoted(key: TraceKey): boolean {
    const sql = "SELECT at FROM uses WHERE key = ?";
    const at = this.#index.read((prepare) => prepare(sql).pluck().get(key), undefined);
    return typeof at === "number" && Math.abs(this.#now() - at) < this.#graceMilliseconds / 2;
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
export function unusedBefore(
  prepare: Prepare,
  { now, graceMilliseconds }: { now: number; graceMilliseconds: number },
): number {
  return Math.min(now, ...livingLeases(prepare, now).map(({ since }) => since)) - graceMilliseconds;
}

/** When each key was last used, as far as the index knows. */
export function lastUses(prepare: Prepare): ReadonlyMap<string, number> {
  const rows = prepare("SELECT key, at FROM uses").all() as { key: string; at: number }[];
  return new Map(rows.map(({ key, at }) => [key, at]));
}
