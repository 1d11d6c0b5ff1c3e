import type { TrainingArguments } from "./training-arguments.ts";

/** Saving takes at most about this share of the time, where nobody says when to save. */
const SHARE_OF_TIME = 0.05;
const MOST_SECONDS_BETWEEN = 600;

/**
 * When a training saves a checkpoint. As `save_strategy` says; without it at ends of epochs and every ten
 * minutes, as long as that costs little. Results never depend on it, so it may ask the clock.
 */
export class SavePolicy {
  readonly #given: TrainingArguments;
  readonly #now: () => number;
  #last: number;
  #lastSeconds = 0;

  /** `now` in seconds. */
  constructor(given: TrainingArguments, now = () => performance.now() / 1000) {
    this.#given = given;
    this.#now = now;
    this.#last = now();
  }

  /** Whether to save after so many steps. */
  isDue(steps: number, { endsEpoch }: { readonly endsEpoch: boolean }): boolean {
    const { save_strategy, save_steps } = this.#given;
    if (save_strategy === "no") return false;
    if (save_strategy === "epoch") return endsEpoch;
    if (save_strategy === "steps") return steps % save_steps === 0;
    const seconds = this.#now() - this.#last;
    const isCheap = seconds * SHARE_OF_TIME >= this.#lastSeconds;
    return isCheap && (endsEpoch || seconds >= MOST_SECONDS_BETWEEN);
  }

  /** Runs a save and remembers how long it took. */
  async timed<T>(save: () => Promise<T>): Promise<T> {
    const began = this.#now();
    try {
      return await save();
    } finally {
      this.#last = this.#now();
      this.#lastSeconds = this.#last - began;
    }
  }
}
