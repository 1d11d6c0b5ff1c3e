import type { Digest } from "../../cache/digest.ts";
import type { Event, StageEvent, StageReason, SummaryEvent } from "../event.ts";
import type { Pipeline, PipelineStage } from "../pipeline/pipeline.ts";
import type { Built } from "./built.ts";
import { placeOutput } from "./place-output.ts";
import { createRebuilder, type RebuilderOptions } from "./rebuilder.ts";
import { scheduleTopologically } from "./scheduler.ts";
import type { Slots } from "./slot-pool.ts";

/** What to build, and how. */
export interface RunOptions extends Omit<RebuilderOptions, "isForced" | "onLostInput"> {
  /** Names of stages to bring up to date, with all they need; empty: all. */
  readonly targets: readonly string[];
  /** Stages to execute even when nothing changed. */
  readonly forced: ReadonlySet<string>;
  readonly jobs: number;
  /** What the machine lends besides jobs; absent: no devices, and no limits. */
  readonly slots?: Slots;
  readonly keepGoing: boolean;
  /** Folder that remembers what was placed in the workspace. */
  readonly placedFolder: string;
  /** What the lockfile names as the first output of a stage. */
  lockedOutput?(stage: PipelineStage): Promise<Digest | undefined>;
}

/** How a run ended: every stage that is up to date, and the summary that was emitted last. */
export interface RunOutcome {
  readonly built: ReadonlyMap<string, Built>;
  readonly summary: SummaryEvent;
  /** Why stages failed, for the exit code. */
  readonly failures: readonly StageReason[];
}

/** A blob can be lost at every stage of a chain at most once in a run: more rounds mean that the disk is failing. */
const MOST_HEALING_ROUNDS = 8;

/**
 * Brings the targets up to date. Where a stage finds that a blob it reads is missing or corrupt, its producer runs
 * again in another round (the corrupt blob being in quarantine by then), so that a damaged cache heals by itself.
 */
export async function runPipeline(pipeline: Pipeline, options: RunOptions): Promise<RunOutcome> {
  const lease = options.cache.leases.take();
  try {
    return await runRounds(pipeline, options);
  } finally {
    lease.release();
  }
}

async function runRounds(pipeline: Pipeline, options: RunOptions): Promise<RunOutcome> {
  const started = performance.now();
  const stages = selectStages(pipeline.stages, options.targets);
  const states = new Map<string, StageEvent>();
  const executed = new Set<string>();
  let built: ReadonlyMap<string, Built> = new Map();
  for (let round = 1; round <= MOST_HEALING_ROUNDS; round++) {
    let lost = false;
    const emit = (event: Event) => {
      if (event.type === "stage") states.set(event.stage, event);
      if (event.type === "stage" && event.state === "executed") executed.add(event.stage);
      options.emit(event);
    };
    built = await runRound(stages, {
      ...options,
      emit,
      isForced: (stage) => options.forced.has(stage.name) && !executed.has(stage.name),
      onLostInput: () => {
        lost = true;
      },
    });
    if (!lost || options.signal.aborted || round === MOST_HEALING_ROUNDS) break;
    const message = "A stored input was damaged; the stage that makes it runs again.";
    options.emit({ type: "notice", code: "healing", message });
  }
  const summary = summarize(stages, states, executed, (performance.now() - started) / 1000);
  options.emit(summary);
  const failures = [...states.values()].flatMap((event) =>
    event.state === "failed" ? [event.reason] : [],
  );
  return { built, summary, failures };
}

type RoundOptions = RebuilderOptions &
  Pick<RunOptions, "jobs" | "slots" | "keepGoing" | "placedFolder" | "lockedOutput">;

async function runRound(
  stages: readonly PipelineStage[],
  options: RoundOptions,
): Promise<ReadonlyMap<string, Built>> {
  const rebuild = createRebuilder(options);
  const settled = await scheduleTopologically<Built>(
    stages,
    async (stage, inputs, turn) => {
      const built = await rebuild(stage, inputs, turn);
      if (built === undefined || stage.destination === undefined) return built;
      const problem = await placeOutput(stage, built, options);
      if (problem === undefined) return built;
      const { emit } = options;
      emit({
        type: "stage",
        stage: stage.name,
        state: "failed",
        seconds: 0,
        reason: "error",
        problem,
      });
      return undefined;
    },
    {
      jobs: options.jobs,
      slots: options.slots,
      keepGoing: options.keepGoing,
      signal: options.signal,
      onSkipped: (stage, because) =>
        options.emit({
          type: "stage",
          stage: stage.name,
          state: "skipped",
          reason: options.signal.aborted ? "interrupted" : "upstream-failed",
          ...(because === undefined ? {} : { because }),
        }),
    },
  );
  const built = new Map<string, Built>();
  for (const [name, outcome] of settled)
    if (outcome.state === "done") built.set(name, outcome.value);
  return built;
}

/** The stages that the targets need, in the pipeline's order; all of them when there is no target. */
export function selectStages(
  stages: readonly PipelineStage[],
  targets: readonly string[],
): readonly PipelineStage[] {
  if (targets.length === 0) return stages;
  const needed = new Set(targets);
  for (const stage of [...stages].reverse()) {
    if (needed.has(stage.name))
      for (const { stage: name } of Object.values(stage.inputs)) needed.add(name);
  }
  return stages.filter(({ name }) => needed.has(name));
}

function summarize(
  stages: readonly PipelineStage[],
  states: ReadonlyMap<string, StageEvent>,
  executed: ReadonlySet<string>,
  seconds: number,
): SummaryEvent {
  const namesIn = (state: "executed" | "cached" | "failed" | "skipped") =>
    stages
      .map(({ name }) => name)
      .filter((name) => finalState(states.get(name), executed.has(name)) === state);
  return {
    type: "summary",
    executed: namesIn("executed"),
    cached: namesIn("cached"),
    failed: namesIn("failed"),
    skipped: namesIn("skipped"),
    seconds,
  };
}

function finalState(last: StageEvent | undefined, wasExecuted: boolean) {
  if (last?.state === "failed") return "failed";
  if (last === undefined || last.state === "skipped") return "skipped";
  return wasExecuted ? "executed" : "cached";
}
