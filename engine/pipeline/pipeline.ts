import type { Range, SourceText } from "../diagnostic.ts";
import type { AnyStage, Json, ParamPath } from "../stage.ts";
import type { Member } from "./expand-matrix.ts";

/** An input of a stage: another stage's output, perhaps only some of its parts. */
export interface Reference {
  readonly stage: string;
  readonly port: string;
  /** Only these parts (splits) are read, of those that exist; absent: the whole artifact. */
  readonly parts?: readonly string[];
  /** Only this file, or the files below this folder, of the artifact. */
  readonly path?: string;
}

/** A file or folder that a stage's params name, or a file of a user's own stage. */
export interface SourcePath {
  /** Empty for a module. */
  readonly at: ParamPath;
  /** Of a user's own stage: what the file is called in its code, "." the stage's own. */
  readonly module?: string;
  readonly absolute: string;
  /** As it is written in the lockfile: relative to the pipeline file, `/`-separated. */
  readonly shown: string;
  /** For a folder: names that count, `*` standing for any characters; absent: all. */
  readonly files?: readonly string[];
  /** How the content is read, where the path decides. */
  readonly readAs?: string;
  /** `absolute` is a folder, of which all files below count whose relative path this pattern matches. */
  readonly pattern?: string;
  readonly range: Range;
}

/** A path in a stage's params that another stage writes: the content is that of the input at a port. */
export interface WrittenPath {
  readonly at: ParamPath;
  readonly absolute: string;
  readonly port: string;
}

/** Where in the workspace a stage's first output is put. */
export interface Destination {
  readonly absolute: string;
  readonly shown: string;
  /** Of a stage that writes them itself: the paths below that are its own. */
  readonly files?: readonly string[];
}

/** A condition on a stage's metric that fails the run: `require: { accuracy: ">= 0.6" }`. */
export interface Gate {
  readonly metric: string;
  readonly operator: ">=" | ">" | "<=" | "<" | "==" | "!=";
  readonly value: number;
  readonly range: Range;
}

/** What a stage takes while it runs. */
export interface Resources {
  /** Graphics devices of its own; taken only where there are any. */
  readonly gpu: number;
  /** Processor cores; absent: only `--jobs` limits it. */
  readonly cpu?: number;
  readonly memory_gb?: number;
}

/** How often a failed stage is tried again, and the seconds before the first time; the wait doubles each time. */
export interface Retries {
  readonly times: number;
  readonly wait: number;
}

/** One stage of a pipeline, checked: kind known, params valid with defaults filled in, references resolved. */
export interface PipelineStage {
  readonly name: string;
  /** Of a stage with a matrix: which of its members this is. */
  readonly member?: Member;
  readonly kind: AnyStage;
  /** `with`, variables resolved and defaults filled in; paths as written. */
  readonly params: Readonly<Record<string, Json>>;
  readonly seed: number;
  readonly inputs: Readonly<Record<string, Reference>>;
  readonly sources: readonly SourcePath[];
  readonly written?: readonly WrittenPath[];
  readonly destination?: Destination;
  /** Digests of the environment variables that the result depends on; null for one that is not set. */
  readonly passed?: Readonly<Record<string, string | null>>;
  readonly cacheable: boolean;
  readonly gates: readonly Gate[];
  readonly resources: Resources;
  /** Stages that share a name here never run at the same time. */
  readonly mutex?: readonly string[];
  readonly retries?: Retries;
  /** Seconds after which the stage is ended. */
  readonly timeout?: number;
  /** Of the stage's name in the file. */
  readonly range: Range;
}

/** A pipeline without errors. Stages are in topological order, equal ones in the order of the file. */
export interface Pipeline {
  readonly name: string;
  readonly source: SourceText;
  /** Absolute path of the pipeline file. */
  readonly path: string;
  /** Absolute folder of the pipeline file: relative paths start here. */
  readonly folder: string;
  /** Absolute project folder: the nearest one above that holds package.json, .git or .tunesmith, else `folder`. */
  readonly project: string;
  /** Absolute paths of the fragments that the file includes; absent where it includes none. */
  readonly fragments?: readonly string[];
  /** Names of environment variables whose values must not be seen anywhere. */
  readonly secrets?: readonly string[];
  readonly stages: readonly PipelineStage[];
}
