import type { Executable } from "./device.ts";

/**
 * The executables that were used last, by a key of the caller's: a batch shape. What falls out is released, since each
 * holds the memory of all its intermediate tensors.
 */
export class SessionCache {
  readonly #capacity: number;
  readonly #held = new Map<string, Executable>();

  /** Holds at most `capacity` executables, at least one. */
  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  /** The executable of this key, compiled where it is not held. */
  async get(key: string, compile: () => Promise<Executable>): Promise<Executable> {
    const held = this.#held.get(key);
    if (held !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held;
    }
    // Room is made first, so that the memory of one more than the capacity is never needed.
    while (this.#held.size >= this.#capacity) await this.#releaseOldest();
    const executable = await compile();
    this.#held.set(key, executable);
    return executable;
  }

  /** Releases every executable. */
  async clear(): Promise<void> {
    while (this.#held.size > 0) await this.#releaseOldest();
  }

  async #releaseOldest(): Promise<void> {
    const [key, executable] = this.#held.entries().next().value!;
    this.#held.delete(key);
    await executable.release();
  }
}
