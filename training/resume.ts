import type { Parameters } from "../models/parameters.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import { isAdaptive } from "./adaptive-rate.ts";
import { BestModel } from "./best-model.ts";
import {
  type CheckpointFiles,
  type CheckpointStore,
  checkpointName,
  parseCheckpoint,
  type Snapshot,
  stepsOfName,
  weightsToEvaluate,
} from "./checkpoint.ts";
import type { Metrics } from "./history.ts";
import { type Evaluations, hasWarmupShare, looksAhead, steadySchedules } from "./schedule.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** What a checkpoint must fit to be gone on from. */
export interface Continuation {
  readonly start: ModelWithWeights;
  readonly given: TrainingArguments;
  readonly maxSteps: number;
  /** Of the step with this number, from 0. */
  learningRateAt(step: number, evaluations: Evaluations): number;
  /** Whether there is an evaluation after so many steps. */
  isEvaluated(steps: number): boolean;
  evaluate(parameters: Parameters): Promise<Metrics>;
  /** A sentence for the log. */
  tell(line: string): void;
}

/** Where a training goes on. */
export interface Resumed {
  readonly snapshot: Snapshot;
  readonly best: BestModel;
}

/**
 * The newest checkpoint from which this training gives the bytes of a straight run: it is whole, its steps
 * had the learning rates that this training would give them, and what was evaluated on the way is known or
 * can be evaluated now. Tells why others are not used.
 */
export async function findCheckpoint(
  store: CheckpointStore,
  continuation: Continuation,
): Promise<Resumed | undefined> {
  const steps = store.names.map(stepsOfName).filter((step) => step !== undefined);
  const candidates = steps.filter((step) => step <= continuation.maxSteps).sort((a, b) => b - a);
  for (const candidate of candidates) {
    const name = checkpointName(candidate);
    const found = await tryCheckpoint(candidate, store, continuation);
    if (typeof found !== "string") {
      continuation.tell(`goes on from ${name} of ${continuation.maxSteps} steps`);
      return found;
    }
    continuation.tell(`${name} is not used: ${found}`);
  }
  return undefined;
}

/** What to go on with from a checkpoint, or why that cannot be. */
async function tryCheckpoint(
  steps: number,
  store: CheckpointStore,
  continuation: Continuation,
): Promise<Resumed | string> {
  const snapshot = await readSnapshot(steps, store, continuation.start);
  if (typeof snapshot === "string") return snapshot;
  const { history } = snapshot;
  if (history.steps.length !== steps) return "it is damaged (metrics.jsonl has other steps)";
  // What follows the evaluations can be compared once they are known; else comparing comes first, as it costs nothing.
  const early = !isAdaptive(continuation.given.lr_scheduler_type);
  const differing = early ? differingRate(snapshot, continuation) : undefined;
  if (differing !== undefined) return differing;
  const missing = await completeEvaluations(snapshot, store, continuation);
  const problem = missing ?? (early ? undefined : differingRate(snapshot, continuation));
  return problem ?? replayBest(snapshot, store, continuation);
}

async function readSnapshot(
  steps: number,
  store: CheckpointStore,
  start: ModelWithWeights,
): Promise<Snapshot | string> {
  const files = await store.read(checkpointName(steps));
  if (!(files instanceof Map)) return `it is damaged (${(files as { problem: string }).problem})`;
  try {
    return parseCheckpoint(files as CheckpointFiles, start);
  } catch (error) {
    return `it is damaged (${error instanceof Error ? error.message : error})`;
  }
}

/** The first step whose learning rate would be another one here, and what follows from it. */
function differingRate({ history }: Snapshot, continuation: Continuation): string | undefined {
  const { given, learningRateAt } = continuation;
  const rateAt = (step: number) => learningRateAt(step, history.evaluations);
  const step = history.steps.findIndex((had, index) => had.learningRate !== rateAt(index));
  if (step < 0) return undefined;
  const [had, now] = [history.steps[step]!.learningRate, rateAt(step)].map(shown);
  const rates = `the learning rate of step ${step + 1} was ${had} and is now ${now}`;
  if (isAdaptive(given.lr_scheduler_type)) return `${rates}: the evaluations were other ones`;
  if (!looksAhead(given)) return `${rates}: it was trained by another schedule`;
  const why = "looks ahead to the last step, so training starts again";
  const others = `${steadySchedules.join(", ")} and, before its decay, warmup_stable_decay do not`;
  return `${rates}: lr_scheduler_type ${given.lr_scheduler_type}${warmupShare(given)} ${why} (${others})`;
}

function warmupShare(given: TrainingArguments): string {
  return hasWarmupShare(given) ? " with a warm-up that is a share of all steps" : "";
}

/** Evaluates what this training evaluates and the checkpoint's did not; why not, where weights are gone. */
async function completeEvaluations(
  snapshot: Snapshot,
  store: CheckpointStore,
  { isEvaluated, evaluate, start }: Continuation,
): Promise<string | undefined> {
  const { history } = snapshot;
  const done = history.steps.length;
  for (const step of [...history.evaluations.keys()])
    if (!isEvaluated(step)) history.evaluations.delete(step);
  for (let step = 0; step <= done; step++) {
    if (!isEvaluated(step) || history.evaluations.has(step)) continue;
    const weights =
      step === done ? weightsToEvaluate(snapshot) : await weightsAt(step, store, start);
    if (weights === undefined) return `it was not evaluated after step ${step}`;
    history.evaluations.set(step, await evaluate(weights));
  }
  return undefined;
}

async function weightsAt(step: number, store: CheckpointStore, start: ModelWithWeights) {
  if (step === 0) return start.parameters;
  if (!store.names.includes(checkpointName(step))) return undefined;
  const snapshot = await readSnapshot(step, store, start);
  return typeof snapshot === "string" ? undefined : weightsToEvaluate(snapshot);
}

/** Compares the evaluations again, which may count by other rules than when they were made. */
async function replayBest(
  snapshot: Snapshot,
  store: CheckpointStore,
  { given, start }: Continuation,
): Promise<Resumed | string> {
  const { history } = snapshot;
  const done = history.steps.length;
  const best = new BestModel(given);
  const evaluated = [...history.evaluations].filter(([step]) => step > 0); // as in Trainer
  evaluated.sort(([a], [b]) => a - b);
  for (const [step, metrics] of evaluated) {
    best.offer(step, metrics, step === done ? weightsToEvaluate(snapshot) : undefined);
    if (best.hasLostPatience && step < done) return `training stops early after step ${step}`;
  }
  const { step } = best.best ?? { step: done };
  if (!given.load_best_model_at_end || step === done) return { snapshot, best };
  const held = snapshot.best?.step === step ? snapshot.best.parameters : undefined;
  best.parameters = held ?? (await weightsAt(step, store, start));
  if (best.parameters === undefined) return `the best model, of step ${step}, is not there`;
  return { snapshot, best };
}

function shown(rate: number): string {
  return rate.toPrecision(6);
}
