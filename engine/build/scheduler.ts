import type { PipelineStage } from "../pipeline/pipeline.ts";
import { type Granted, SlotPool, type Slots } from "./slot-pool.ts";

/** How one stage of a build ended. `outcome` is the rebuilder's value. */
export type Settled<T> =
  | { readonly state: "done"; readonly value: T }
  | { readonly state: "failed" }
  | { readonly state: "skipped"; readonly because?: string };

/** Brings one stage up to date, its inputs being so; `undefined` means that it failed. */
export type Rebuilder<T> = (
  stage: PipelineStage,
  inputs: ReadonlyMap<string, T>,
  turn: Turn,
) => Promise<T | undefined>;

/** What a rebuilder is given for one stage. */
export interface Turn {
  /** Called around real work. */
  readonly slot: TakeSlot;
  /** Aborted when the build stops, by a failure or from outside: what only waits need not wait on. */
  readonly stopping: AbortSignal;
}

/** Runs work with what the stage was lent for it. */
export type TakeSlot = <R>(work: (granted: Granted) => Promise<R>) => Promise<R>;

/** What stages may take while they work, and when to stop starting new ones. */
export interface ScheduleOptions {
  readonly jobs: number;
  readonly slots?: Slots | undefined;
  /** After a failure, go on with stages that do not depend on it. */
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  /** Told when a stage is left out because of a failed one, or of an earlier stop. */
  onSkipped(stage: PipelineStage, because: string | undefined): void;
}

/**
 * The topological scheduler of "Build systems à la carte" (Mokhov, Mitchell, Peyton Jones 2018): every stage starts
 * when its inputs are there, in the order of the list where several are ready. A slot is taken only around real work,
 * after the inputs are known, so that the queue cannot deadlock.
 */
export async function scheduleTopologically<T>(
  stages: readonly PipelineStage[],
  rebuild: Rebuilder<T>,
  options: ScheduleOptions,
): Promise<ReadonlyMap<string, Settled<T>>> {
  const pool = new SlotPool(options.jobs, options.slots);
  const running = new Map<string, Promise<Settled<T>>>();
  const failure = new AbortController();
  const stopping = AbortSignal.any([options.signal, failure.signal]);
  const noteFailure = () => {
    if (!options.keepGoing) failure.abort();
  };
  const settle = async (stage: PipelineStage): Promise<Settled<T>> => {
    const inputs = new Map<string, T>();
    for (const { stage: name } of Object.values(stage.inputs)) {
      const upstream = await running.get(name);
      if (upstream === undefined)
        throw new Error(`internal: "${name}" is not scheduled before "${stage.name}"`);
      if (upstream.state !== "done") return skip(stage, name);
      inputs.set(name, upstream.value);
    }
    if (stopping.aborted) return skip(stage, undefined);
    try {
      const slot: TakeSlot = (work) => takeSlot(stage, work);
      const value = await rebuild(stage, inputs, { slot, stopping });
      if (value !== undefined) return { state: "done", value };
    } catch (error) {
      if (error instanceof BuildStopped) return skip(stage, undefined);
      throw error;
    }
    noteFailure();
    return { state: "failed" };
  };
  const takeSlot = <R>(stage: PipelineStage, work: (granted: Granted) => Promise<R>): Promise<R> =>
    pool.run(stage, async (granted) => {
      if (stopping.aborted) throw new BuildStopped();
      const result = await work(granted);
      // Here, not where the rebuilder returns: the pool starts the next one as soon as this one ends.
      if (result === undefined) noteFailure();
      return result;
    });
  const skip = (stage: PipelineStage, because: string | undefined): Settled<T> => {
    options.onSkipped(stage, because);
    return { state: "skipped", ...(because === undefined ? {} : { because }) };
  };
  for (const stage of stages) running.set(stage.name, settle(stage));
  await Promise.allSettled(running.values());
  const settled = new Map<string, Settled<T>>();
  for (const [name, outcome] of running) settled.set(name, await outcome);
  return settled;
}

/** Thrown through a rebuilder that waited for its slot when the build stopped: its stage has not started. */
class BuildStopped extends Error {}
