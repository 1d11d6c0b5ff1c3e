import type { ArtifactReader, ArtifactType, ValueOf } from "./artifact.ts";
import type { Problem } from "./diagnostic.ts";

/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A JSON Schema (draft-07) of a stage's `with`, an object schema with `additionalProperties: false` and described properties. */
export interface ParamsSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

/** What a stage reads at one port. */
export interface InputPort<A> {
  readonly type: A;
  readonly description: string;
  readonly optional?: true;
  /**
   * Which splits of a dataset the stage reads: only these enter the key, so that a change in another split does not
   * re-run the stage. `one`: the reference must name a split, or the dataset must have a single one. Absent: all.
   */
  readonly parts?: readonly string[] | "one";
  /** Takes all members of a stage with a matrix; each comes as an input of its own, `port[values]`. */
  readonly isMany?: true;
}

/** What a stage writes at one port. */
export interface OutputPort<A> {
  readonly type: A;
  readonly description: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a port of any artifact type; each stage fixes its own
type AnyArtifactType = ArtifactType<any>;
export type InputPorts = Readonly<Record<string, InputPort<AnyArtifactType>>>;
export type OutputPorts = Readonly<Record<string, OutputPort<AnyArtifactType>>>;

/** Where a value lies inside `with`: `["files", 0]` is the first of `files`. */
export type ParamPath = readonly (string | number)[];

/** A path in `with` whose content the stage reads: a file, or a folder of which only `files` count. */
export interface InputPath {
  readonly at: ParamPath;
  /** For a folder: names of the files that count, `*` standing for any characters; absent: all. */
  readonly files?: readonly string[];
  /** How the content is read where the path decides, as an extension does: part of the key, which else holds only content. */
  readonly readAs?: string;
  /** The path may be a pattern: `*` and `?` in a name, `**` for any folders. */
  readonly isPattern?: true;
}

/** Something wrong in a stage's params that the JSON Schema cannot say. */
export interface ParamsProblem {
  readonly at: ParamPath;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Where a stage is in its work; the engine shows rate and remaining time. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is counted: "rows", "steps". */
  readonly unit: string;
  /** Numbers worth showing now, such as the training loss. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** The device a run asked for: `--device` and the number of threads. */
export interface DeviceRequest {
  readonly kind: string;
  readonly threads: number;
  /** Ids of the graphics devices that are the stage's own while it runs; absent: it has none. */
  readonly gpus?: readonly string[];
  /** Bytes of the largest tensor that the device takes, where that is known. */
  readonly largestTensor?: number;
  /** Environment variables by which the device's driver gives the adapter that was asked for. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** An input of a running stage. */
export interface StageInput<A> {
  /** The artifact's value, parsed. */
  read(): Promise<ValueOf<A>>;
  /** The artifact's files as they are. */
  readonly files: ArtifactReader;
}

/** Files of a checkpoint by path, or why they cannot be had or kept. */
export type CheckpointFiles = ReadonlyMap<string, Uint8Array>;
export interface CheckpointProblem {
  readonly problem: string;
}

/** Where a running stage keeps what it could go on from: by name, beyond its process's end. */
export interface StageCheckpoints {
  /** Of this stage and of others that differ only in params which `notInCheckpoints` names. */
  readonly names: readonly string[];
  /** Verified; a damaged one is gone afterwards. */
  read(name: string): Promise<CheckpointFiles | CheckpointProblem>;
  /** Returns once the files are on the disk, all together or not at all. */
  write(name: string, files: CheckpointFiles): Promise<CheckpointProblem | undefined>;
  /** It is no longer needed. */
  drop(name: string): void;
}

type StageInputs<In extends InputPorts> = {
  readonly [K in keyof In]: In[K] extends { readonly optional: true }
    ? StageInput<In[K]["type"]> | undefined
    : StageInput<In[K]["type"]>;
};

/** Names of the splits at each port that is fed; undefined where they are not known before running. */
export type KnownParts<Ports> = { readonly [K in keyof Ports]?: readonly string[] | undefined };

/** All that a running stage sees. */
export interface StageContext<Params, In extends InputPorts> {
  /** `with`, its defaults filled in, its input paths absolute. */
  readonly params: Params;
  readonly seed: number;
  readonly inputs: StageInputs<In>;
  readonly device: DeviceRequest;
  readonly checkpoints: StageCheckpoints;
  /** Aborted on Ctrl-C: finish the step and throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** One line for the stage's log. */
  log(line: string): void;
  progress(progress: Progress): void;
  /** Records a number about the result: shown, locked, and what `require` gates read. Must be deterministic. */
  metric(name: string, value: number): void;
}

/** One of the inputs that a stage may choose. */
export interface Candidate {
  /** As it is called in messages: the stage that gives it. */
  readonly name: string;
  /** The numbers that its stage, or the one that measured it, recorded. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** The stage's outputs by port. */
export type StageOutputs<Out extends OutputPorts> = {
  readonly [K in keyof Out]: ValueOf<Out[K]["type"]>;
};

/** A kind of stage: everything that the engine knows of it. `run` may import heavy modules dynamically, nothing else may. */
export interface Stage<Params, In extends InputPorts, Out extends OutputPorts> {
  readonly kind: string;
  /** Raise when `run` gives other bytes for the same inputs. */
  readonly version: number;
  readonly description: string;
  readonly params: ParamsSchema;
  /** Ports in order of importance: `in: x` without a port name feeds the first. */
  readonly inputs: In;
  /** Ports in order of importance: a reference without a port name means the first. */
  readonly outputs: Out;
  /** Whether the result depends on the seed. */
  readonly seeded: boolean;
  /** Whether equal inputs give equal bytes on one machine. */
  readonly deterministic: boolean;
  /** Facts of the machine that the result depends on, such as "compute": they enter the key. */
  readonly environment: readonly string[];
  /** Params that never change the result and stay out of the key. */
  readonly notInKey?: readonly string[];
  /**
   * For a stage that uses checkpoints: params of which a checkpoint is independent, or whose effect on it the stage
   * itself checks. They stay out of the key of its checkpoints, so that a stage which differs in them finds these.
   */
  readonly notInCheckpoints?: readonly string[];
  /** Input ports of which they are independent, too. */
  readonly portsNotInCheckpoints?: readonly string[];
  inputPaths?(params: Params): readonly InputPath[];
  /** The param that names where the first output is put in the workspace. */
  readonly destination?: string;
  /** The stage passes on one of its first port's inputs, of whatever type, and does nothing else: which one. */
  choose?(params: Params, candidates: readonly Candidate[]): Candidate | Problem;
  /** Takes artifacts of any type, at ports that `in` names: `inputs` is empty then. */
  readonly takesAny?: true;
  /**
   * Paths in the workspace that the stage writes itself while it runs. Its first output holds them by the same names,
   * relative to the pipeline's folder; they are put back where they are missing.
   */
  writes?(params: Params): readonly ParamPath[];
  /** Environment variables that the result depends on, by name: digests of their values enter the key. */
  passes?(params: Params): readonly string[];
  /** Of a user's own stage: its code, which is part of the key. */
  readonly code?: StageCode;
  /** Names of the splits that each output will hold, as far as they are known before running. */
  parts?(params: Params, inputs: KnownParts<In>): KnownParts<Out>;
  /** `inputs` has each port that is fed. */
  check?(params: Params, inputs: KnownParts<In>): readonly ParamsProblem[];
  run(context: StageContext<Params, In>): Promise<StageOutputs<Out>>;
}

/** The code of a user's own stage, as far as it is known without running it. */
export interface StageCode {
  /** The stage's file first, called ".", then all that it imports, by paths from its folder. */
  readonly modules: readonly { readonly name: string; readonly absolute: string }[];
  /** Installed packages that these import, and their versions. */
  readonly packages: Readonly<Record<string, string>>;
  /** All that the file says of the stage but `run`. */
  readonly declaration: Json;
  /** Line and column of `run` in the stage's file: `14:3`. */
  readonly runsAt: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the engine treats all kinds alike; each kind is checked where it is defined
export type AnyStage = Stage<any, any, any>;

/** Defines a kind of stage with its types inferred: a wrong output type is a compile error. */
export function defineStage<Params, In extends InputPorts, Out extends OutputPorts>(
  stage: Stage<Params, In, Out>,
): Stage<Params, In, Out> {
  return stage;
}
