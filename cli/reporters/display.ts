import type { TextSink } from "../context.ts";
import type { Clock } from "./clock.ts";
import { describeProgress, type RunningStage } from "./running-stage.ts";

/** Where a run's talk appears. */
export interface Display {
  /** Shows whole lines that stay. */
  print(text: string): void;
  /** Shows that a running stage got further. */
  progress(stage: RunningStage): void;
  close(): void;
}

/** Where no lines can be redrawn, progress is a line now and then. */
const SECONDS_BETWEEN_LINES = 10;

/** A display for logs and pipes: nothing but lines, at most one for each stage's progress every 10 seconds. */
export function createPlainDisplay(
  sink: TextSink,
  clock: Clock,
  lineOf: (stage: string, sentence: string) => string,
): Display {
  const lastAt = new Map<string, number>();
  return {
    print: (text) => sink.write(text),
    progress(stage) {
      const now = clock.now();
      const since = Math.max(lastAt.get(stage.name) ?? 0, stage.startedAt);
      if (now - since < SECONDS_BETWEEN_LINES) return;
      lastAt.set(stage.name, now);
      sink.write(lineOf(stage.name, describeProgress(stage, now)));
    },
    close: () => {},
  };
}
