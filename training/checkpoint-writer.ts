import {
  type CheckpointFacts,
  type CheckpointStore,
  checkpointName,
  formatCheckpoint,
  type Snapshot,
} from "./checkpoint.ts";
import { SavePolicy } from "./save-policy.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** Saves a training's checkpoints when they are due, and says which of them are needed no longer. */
export class CheckpointWriter {
  readonly #store: CheckpointStore;
  readonly #given: TrainingArguments;
  readonly #policy: SavePolicy;
  readonly #tell: (notice: string) => void;
  /** Names, oldest first. */
  #saved: string[] = [];

  constructor(
    store: CheckpointStore,
    given: TrainingArguments,
    tell: (notice: string) => void = () => {},
  ) {
    this.#store = store;
    this.#given = given;
    this.#policy = new SavePolicy(given);
    this.#tell = tell;
  }

  /** Whether to save after so many steps. */
  isDue(steps: number, { endsEpoch }: { readonly endsEpoch: boolean }): boolean {
    return this.#policy.isDue(steps, { endsEpoch });
  }

  /** Saves; where that fails (a full disk), says so: training goes on and the checkpoints before stay. One from which longer trainings fork off is not dropped later. */
  async save(
    snapshot: Snapshot,
    facts: CheckpointFacts,
    { isFork = false }: { isFork?: boolean } = {},
  ): Promise<void> {
    const name = checkpointName(snapshot.history.steps.length);
    if (this.#given.save_strategy === "no") return;
    const failure = await this.#policy.timed(() =>
      this.#store.write(name, formatCheckpoint(snapshot, facts)),
    );
    if (failure !== undefined)
      return this.#tell(`${name} could not be saved (${failure.problem}); the one before stays`);
    if (isFork) return;
    this.#saved.push(name);
    const { save_strategy, save_total_limit } = this.#given;
    this.#keepNewest(save_total_limit ?? (save_strategy === undefined ? 2 : this.#saved.length));
  }

  /** Drops what only guarded against a kill, at the end of a training. */
  dropPassing(): void {
    if (this.#given.save_strategy === undefined) this.#keepNewest(1);
  }

  #keepNewest(count: number): void {
    const left = this.#saved.slice(0, -count);
    for (const name of left) this.#store.drop(name);
    this.#saved = this.#saved.slice(left.length);
  }
}
