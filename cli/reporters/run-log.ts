import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Cache } from "../../cache/open-cache.ts";
import type { RunRecord, StageRecord, TraceKey } from "../../cache/trace-store.ts";
import type { RunOutcome } from "../../engine/build/run-pipeline.ts";
import type { Event } from "../../engine/event.ts";
import type { Reporter } from "./reporter.ts";

/** The memory of a run: each stage's log as a file in the cache, and the run's record for `show`, `why` and expected times. */
export interface RunLog extends Reporter {
  readonly id: string;
  finish(outcome: RunOutcome): void;
}

/** Starts the log of one run. A log that cannot be written is given up: it must not fail the run. */
export function createRunLog(cache: Cache, pipeline: string): RunLog {
  const startedAt = new Date().toISOString();
  const id = `${startedAt.replace(/[-:]|\.\d+/g, "")}-${randomBytes(3).toString("hex")}`;
  const stages = new Map<string, StageRecord>();
  const logged = new Set<string>();
  const append = (stage: string, line: string) => {
    const folder = join(cache.folder.logs, id);
    try {
      if (logged.size === 0) mkdirSync(folder, { recursive: true });
      appendFileSync(join(folder, `${stage}.log`), `${line}\n`);
      logged.add(stage);
    } catch {
      // The disk may be full; the stage's own outputs will say so better than its log.
    }
  };
  return {
    id,
    report: (event) => {
      if (event.type !== "stage") return;
      for (const line of linesOf(event)) append(event.stage, line);
      if (event.state === "progress" || event.state === "log" || event.state === "started") return;
      stages.set(
        event.stage,
        recordOf(event, logged.has(event.stage) ? `${id}/${event.stage}.log` : undefined),
      );
    },
    finish: ({ summary }) => {
      const run: RunRecord = {
        id,
        pipeline,
        startedAt,
        seconds: summary.seconds,
        stages: [...stages.values()],
      };
      cache.traces.recordRun(run);
    },
    close: () => {},
  };
}

type StageEvent = Extract<Event, { type: "stage" }>;

function linesOf(event: StageEvent): readonly string[] {
  if (event.state === "log") return [event.line];
  if (event.state === "failed")
    return [event.problem.message, ...(event.problem.hint ? [`hint: ${event.problem.hint}`] : [])];
  return [];
}

function recordOf(event: StageEvent, log: string | undefined): StageRecord {
  const { stage, state } = event;
  const key = "key" in event && event.key !== undefined ? { key: event.key as TraceKey } : {};
  const seconds = "seconds" in event ? event.seconds : 0;
  const reason = "reason" in event ? { reason: event.reason } : {};
  return { stage, state, seconds, ...key, ...reason, ...(log === undefined ? {} : { log }) };
}
