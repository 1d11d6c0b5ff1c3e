import type { Event, StageEvent } from "../../engine/event.ts";
import { printableLine } from "../text/printable.ts";
import type { Clock } from "./clock.ts";
import type { StageResult } from "./run-summary.ts";
import type { RunningStage } from "./running-stage.ts";

const MOST_LOG_LINES = 10;

/** What a run's events add up to: the stages at work now, the ends of their logs, and the results so far. */
export class WatchedRun {
  readonly running = new Map<string, RunningStage>();
  readonly results = new Map<string, StageResult>();
  readonly #logs = new Map<string, string[]>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in one event. */
  see(event: Event): void {
    if (event.type !== "stage") return;
    if (event.state === "log") this.#keepLine(event.stage, event.line);
    else if (event.state === "started") this.#start(event);
    else if (event.state === "progress") this.#advance(event);
    else this.#end(event);
  }

  /** The last lines of a stage's log, safe to print. */
  logTailOf(stage: string): readonly string[] {
    return this.#logs.get(stage) ?? [];
  }

  #keepLine(stage: string, line: string): void {
    const lines = this.#logs.get(stage) ?? [];
    lines.push(printableLine(line));
    if (lines.length > MOST_LOG_LINES) lines.shift();
    this.#logs.set(stage, lines);
  }

  #start({ stage, expectedSeconds }: StageEvent & { readonly state: "started" }): void {
    const expected = expectedSeconds === undefined ? {} : { expectedSeconds };
    this.running.set(stage, { name: stage, startedAt: this.#clock.now(), ...expected });
  }

  #advance({ stage, progress }: StageEvent & { readonly state: "progress" }): void {
    const running = this.running.get(stage);
    if (running === undefined) return;
    const first = running.first ?? { at: this.#clock.now(), progress };
    this.running.set(stage, { ...running, first, last: progress });
  }

  #end(event: StageEvent & { readonly state: "cached" | "executed" | "failed" | "skipped" }): void {
    this.running.delete(event.stage);
    if (event.state === "skipped") return;
    const before = this.results.get(event.stage);
    const metrics = "metrics" in event ? event.metrics : (before?.metrics ?? {});
    // A stage may be executed and then found cached in a later round: the time it took stays.
    const seconds = event.state === "cached" ? before?.seconds : event.seconds;
    this.results.set(event.stage, { metrics, ...(seconds === undefined ? {} : { seconds }) });
  }
}
