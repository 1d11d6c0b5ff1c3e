import { sizeOf } from "../compute/graph.ts";
import { type Parameter, type Parameters, parameter } from "../models/parameters.ts";
import { formatPretrained, type ModelWithWeights } from "../models/pretrained.ts";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../models/safetensors.ts";
import { History } from "./history.ts";
import { floatsOf, tensorOf } from "./tensor-bytes.ts";
import type { TrainerState } from "./trainer-state.ts";

/** Files by path. */
export type CheckpointFiles = ReadonlyMap<string, Uint8Array>;

/** Where a training keeps its checkpoints, by name: they outlive the process. */
export interface CheckpointStore {
  /** Of those that may be there, in any order. */
  readonly names: readonly string[];
  /** The files of one, every byte as it was written; `problem` says why they cannot be had. */
  read(name: string): Promise<CheckpointFiles | { readonly problem: string }>;
  /** Returns once they are safe, all together; `problem` says why they could not be kept. */
  write(name: string, files: CheckpointFiles): Promise<{ readonly problem: string } | undefined>;
  /** Says that it is no longer needed. */
  drop(name: string): void;
}

/** A training after some step: all that the steps after it depend on, beside what it was given. */
export interface Snapshot {
  readonly parameters: Parameters;
  readonly optimizer: ReadonlyMap<string, RawTensor>;
  readonly history: History;
  /** The moving average of the parameters, where there is one. */
  readonly average?: Parameters;
  /** Of the best evaluation, where they are asked for and are not `parameters`. */
  readonly best?: { readonly step: number; readonly parameters: Parameters };
}

/** What a checkpoint says beside the snapshot. */
export interface CheckpointFacts {
  readonly start: ModelWithWeights;
  readonly state: TrainerState;
  readonly stepsPerEpoch: number;
  readonly seed: number;
}

/** The folder's name, as Trainer's. */
export function checkpointName(steps: number): string {
  return `checkpoint-${steps}`;
}

/** The steps done at a checkpoint of this name; undefined for other names. */
export function stepsOfName(name: string): number | undefined {
  const digits = /^checkpoint-([1-9]\d*)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * A checkpoint as files with the names of Trainer's, without pickles. Random numbers come from a hash
 * of seed, step and place, so that the state of their generator is two numbers.
 */
export function formatCheckpoint(snapshot: Snapshot, facts: CheckpointFacts): CheckpointFiles {
  const { parameters, optimizer, history, average, best } = snapshot;
  const { start, state, stepsPerEpoch, seed } = facts;
  const steps = history.steps.length;
  const rate = history.steps.at(-1)!.learningRate;
  const scheduler = { _last_lr: [rate], _step_count: steps + 1, last_epoch: steps };
  const rng = { generator: "hash of (seed, step, place)", seed, step: steps };
  return new Map<string, Uint8Array>([
    ...formatPretrained({ ...start, parameters }),
    ["optimizer.safetensors", formatSafetensors(optimizer)],
    ["trainer_state.json", jsonFile(state)],
    ["scheduler.json", jsonFile(scheduler)],
    ["rng_state.json", jsonFile(rng)],
    ["metrics.jsonl", Buffer.from(history.toLines(stepsPerEpoch))],
    ...(average ? [["ema/model.safetensors", weightsFile(average)] as const] : []),
    ...(best ? [["best/model.safetensors", weightsFile(best.parameters)] as const] : []),
  ]);
}

/** The snapshot that these files hold; throws where they are not those of a checkpoint of this model. */
export function parseCheckpoint(files: CheckpointFiles, start: ModelWithWeights): Snapshot {
  const fileOf = (path: string) => {
    const bytes = files.get(path);
    if (bytes === undefined) throw new SyntaxError(`${path} is missing`);
    return bytes;
  };
  const text = (path: string) => new TextDecoder().decode(fileOf(path));
  const { best_global_step: step } = JSON.parse(text("trainer_state.json")) as TrainerState;
  const best = files.get("best/model.safetensors");
  const average = files.get("ema/model.safetensors");
  return {
    parameters: weightsOf(fileOf("model.safetensors"), start.parameters),
    optimizer: parseSafetensors(fileOf("optimizer.safetensors")).tensors,
    history: History.fromLines(text("metrics.jsonl")),
    ...(average && { average: weightsOf(average, start.parameters) }),
    ...(best && step && { best: { step, parameters: weightsOf(best, start.parameters) } }),
  };
}

/** What is evaluated and returned of a snapshot. */
export function weightsToEvaluate({ average, parameters }: Snapshot): Parameters {
  return average ?? parameters;
}

function jsonFile(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

function weightsFile(parameters: Parameters): Uint8Array {
  const tensors = [...parameters].map(
    ([name, { data, shape }]) => [name, tensorOf(data, shape)] as const,
  );
  return formatSafetensors(new Map(tensors));
}

function weightsOf(file: Uint8Array, like: Parameters): Parameters {
  const { tensors } = parseSafetensors(file);
  const found = new Map<string, Parameter>();
  for (const [name, { shape }] of like)
    found.set(name, parameter(shape, floatsOf(tensors.get(name), name, sizeOf(shape))));
  return found;
}
