import type { Clock } from "../../cli/reporters/clock.ts";

/** A clock that goes on only when the test says so. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #ticks: { readonly seconds: number; readonly tick: () => void; next: number }[] = [];

  /** Whether anything still waits for the clock. */
  get isWaitedFor(): boolean {
    return this.#ticks.length > 0;
  }

  now(): number {
    return this.#now;
  }

  every(seconds: number, tick: () => void): () => void {
    const entry = { seconds, tick, next: this.#now + seconds };
    this.#ticks.push(entry);
    return () => void this.#ticks.splice(this.#ticks.indexOf(entry), 1);
  }

  /** Lets time pass, with all ticks that are due on the way. */
  advance(seconds: number): void {
    const end = this.#now + seconds;
    for (;;) {
      const due = this.#ticks.filter(({ next }) => next <= end + 1e-9);
      const [first] = due.sort((a, b) => a.next - b.next);
      if (first === undefined) break;
      this.#now = first.next;
      first.next += first.seconds;
      first.tick();
    }
    this.#now = end;
  }
}
