import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import type { ArtifactReader } from "../../engine/artifact.ts";
import type { DeviceRequest, Json, ParamsSchema, Progress } from "../../engine/stage.ts";
import type { Row } from "../artifacts/dataset.ts";
import type { Embeddings } from "../artifacts/embeddings.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import type { Tokens } from "../artifacts/tokens.ts";

export type { ArtifactReader, DeviceRequest, Embeddings, Json, Metrics, Progress, Row, Tokens };

/** A row that a stage gives: without an `id` it gets one of its content. */
export type NewRow = Pick<Row, "text"> & Partial<Omit<Row, "text">>;

/** Files by path: relative, with `/` between names. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** What a stage gives at a port, by the port's type. */
interface Given {
  /** Rows by split. */
  readonly dataset: Readonly<Record<string, readonly NewRow[]>>;
  readonly tokens: Tokens;
  readonly tokenizer: Files;
  readonly model: Files;
  readonly metrics: Metrics;
  readonly embeddings: Embeddings;
  readonly folder: Files;
  /** Any JSON value. */
  readonly report: unknown;
}

/** What a stage reads at a port, by the port's type. */
interface Taken extends Omit<Given, "dataset" | "tokenizer" | "model" | "folder"> {
  readonly dataset: Readonly<Record<string, readonly Row[]>>;
  readonly tokenizer: Readonly<Record<string, Uint8Array>>;
  readonly model: Readonly<Record<string, Uint8Array>>;
  readonly folder: Readonly<Record<string, Uint8Array>>;
}

/** What may pass through a port. */
export type PortType = keyof Given;

/** An output port. */
export interface Port {
  readonly type: PortType;
  readonly description?: string;
}

/** An input port. */
export interface InputPort extends Port {
  /** Whether it may be left out: the input is then undefined. */
  readonly optional?: boolean;
  /** Of a dataset: the only splits that are read. Changes in others do not run the stage. */
  readonly splits?: readonly string[];
}

/** An input of a running stage. */
export interface Input<T extends PortType> {
  /** The whole value: of a dataset the rows by split, of files their bytes by path. */
  read(): Promise<Taken[T]>;
  /** The files as they are stored. */
  readonly files: ArtifactReader;
}

/** A dataset as an input of a running stage. */
export interface DatasetInput extends Input<"dataset"> {
  readonly splits: readonly string[];
  /** The rows of one split, or of all, split after split. */
  rows(split?: string): Promise<readonly Row[]>;
}

type InputOf<P extends InputPort> = P["type"] extends "dataset" ? DatasetInput : Input<P["type"]>;
type Ports<P> = Readonly<Record<string, P>>;

/** All that a running stage sees. */
export interface Context<Params, In extends Ports<InputPort>, Seeded extends boolean> {
  /** `with`, its defaults filled in, its `paths` absolute. */
  readonly params: Params;
  readonly inputs: {
    readonly [K in keyof In]: In[K] extends { readonly optional: true }
      ? InputOf<In[K]> | undefined
      : InputOf<In[K]>;
  };
  /** The stage's seed, where it declares `seeded: true`. */
  readonly seed: Seeded extends true ? number : undefined;
  /** The device that the run asked for, with the ids of graphics devices that are the stage's own. */
  readonly device: DeviceRequest;
  /** Aborted on Ctrl-C and at the stage's `timeout`. */
  readonly signal: AbortSignal;
  /** One line for the stage's log. */
  log(line: string): void;
  progress(progress: Progress): void;
  /** Records a number about the result: shown, locked, and what `require` reads. */
  metric(name: string, value: number): void;
}

type ParamsOf<Schema> = Schema extends JSONSchema ? FromSchema<Schema> : never;
interface NoParams {
  readonly type: "object";
  readonly properties: Record<never, never>;
  readonly additionalProperties: false;
}

type Outputs<Out extends Ports<Port>> = { readonly [K in keyof Out]: Given[Out[K]["type"]] };

/** A stage of the user's own. All but `run` is read without running the file, so it is written out in literals. */
export interface OwnStage<
  Schema extends ParamsSchema,
  In extends Ports<InputPort>,
  Out extends Ports<Port>,
  Seeded extends boolean,
> {
  readonly description?: string;
  /** Part of the key, as the code itself is. Raise it to run again although nothing else changed. */
  readonly version?: number;
  /** JSON Schema (draft-07) of `with`: what is written there is checked with it before anything runs. */
  readonly params?: Schema;
  /** In order of importance: `in: x` without a port's name feeds the first. */
  readonly inputs?: In;
  /** In order of importance: a reference without a port's name means the first. */
  readonly outputs: Out;
  /** Whether the result depends on the seed, which is then part of the key. */
  readonly seeded?: Seeded;
  /** Whether equal inputs give equal bytes on one machine. True without it. */
  readonly deterministic?: boolean;
  /** Facts of the machine that the result depends on. */
  readonly environment?: readonly "compute"[];
  /** Environment variables that the result depends on. */
  readonly env?: readonly string[];
  /** Params whose values, or the items of whose lists, are paths of files and folders that the stage reads. */
  readonly paths?: readonly (keyof Schema["properties"] & string)[];
  /** The param that says where the first output is put in the workspace. */
  readonly destination?: keyof Schema["properties"] & string;
  /** Makes the outputs, by port. */
  run(context: Context<ParamsOf<Schema>, In, Seeded>): Promise<Outputs<Out>> | Outputs<Out>;
}

/** Defines a stage for `uses: ./file.ts`; types of `run` follow from what stands above it. */
export function defineStage<
  const Out extends Ports<Port>,
  const Schema extends ParamsSchema = NoParams,
  const In extends Ports<InputPort> = Record<never, never>,
  const Seeded extends boolean = false,
>(stage: OwnStage<Schema, In, Out, Seeded>): OwnStage<Schema, In, Out, Seeded> {
  return stage;
}
