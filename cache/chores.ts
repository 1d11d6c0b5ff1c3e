import type { SqliteIndex } from "./sqlite-index.ts";

/** When things were last done that are to be done now and then. */
export class Chores {
  readonly #index: SqliteIndex;
  readonly #now: () => number;

  constructor(index: SqliteIndex, now: () => number) {
    this.#index = index;
    this.#now = now;
  }

  /**
   * Whether so many seconds have gone since this last said so of the chore, to any process. In a
   * new cache the time starts with the first question.
   */
  isDue(name: string, seconds: number): boolean {
    const sql = "SELECT at FROM chores WHERE name = ?";
    const last = this.#index.read((prepare) => prepare(sql).pluck().get(name), undefined);
    const now = this.#now();
    if (typeof last === "number" && Math.abs(now - last) < seconds * 1000) return false;
    this.#index.write((prepare) => {
      prepare("INSERT OR REPLACE INTO chores VALUES (?, ?)").run(name, now);
    });
    return typeof last === "number";
  }
}
