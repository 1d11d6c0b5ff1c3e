import type { CheckpointFiles, CheckpointStore } from "../../training/checkpoint.ts";

/** Checkpoints in memory, for tests of training; `damaged` and `isFull` make it fail as a disk would. */
export class MemoryCheckpoints implements CheckpointStore {
  readonly held = new Map<string, CheckpointFiles>();
  readonly damaged = new Set<string>();
  isFull = false;

  get names(): readonly string[] {
    return [...this.held.keys()];
  }

  async read(name: string) {
    if (this.damaged.has(name)) return { problem: "a blob has other bytes" };
    return this.held.get(name)!;
  }

  async write(name: string, files: CheckpointFiles) {
    if (this.isFull) return { problem: "no space left on device" };
    const copied = [...files].map(([path, bytes]) => [path, bytes.slice()] as const);
    this.held.set(name, new Map(copied));
    return undefined;
  }

  drop(name: string): void {
    this.held.delete(name);
  }
}
