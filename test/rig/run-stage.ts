import { Ajv, type ValidateFunction } from "ajv";
import type { ArtifactType, ValueOf } from "../../engine/artifact.ts";
import { type Problem, StageFailure } from "../../engine/diagnostic.ts";
import type {
  InputPorts,
  OutputPorts,
  ParamsSchema,
  Progress,
  Stage,
  StageCheckpoints,
  StageContext,
  StageOutputs,
} from "../../engine/stage.ts";
import { MemoryCheckpoints } from "./memory-checkpoints.ts";
import { filesOf, type MemoryFiles } from "./memory-files.ts";

/** What a stage is run with; params are checked against the stage's schema and get its defaults. */
export interface StageRun<In extends InputPorts> {
  readonly params?: object;
  readonly inputs?: { readonly [K in keyof In]?: ValueOf<In[K]["type"]> };
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** @default none */
  readonly checkpoints?: StageCheckpoints;
}

/** What a stage gave: each output as files and as the value read back from them. */
export interface StageResult<Out extends OutputPorts> {
  readonly outputs: StageOutputs<Out>;
  readonly files: { readonly [K in keyof Out]: MemoryFiles };
  readonly metrics: Readonly<Record<string, number>>;
  readonly log: readonly string[];
  readonly progress: readonly Progress[];
}

/** Runs a stage in this process; its inputs and outputs pass through their files, in memory. */
export async function runStage<Params, In extends InputPorts, Out extends OutputPorts>(
  stage: Stage<Params, In, Out>,
  {
    params = {},
    inputs,
    seed = 42,
    signal = new AbortController().signal,
    checkpoints = new MemoryCheckpoints(),
  }: StageRun<In>,
): Promise<StageResult<Out>> {
  const metrics: Record<string, number> = {};
  const log: string[] = [];
  const progress: Progress[] = [];
  const context: StageContext<Params, In> = {
    params: paramsOf(stage, params),
    seed,
    inputs: await stageInputs(stage.inputs, inputs ?? {}),
    device: { kind: "cpu", threads: 1 },
    checkpoints,
    signal,
    log: (line) => log.push(line),
    progress: (event) => progress.push(event),
    metric: (name, value) => {
      metrics[name] = value;
    },
  };
  const values: Record<string, unknown> = await stage.run(context);
  const files: Record<string, MemoryFiles> = {};
  const outputs: Record<string, unknown> = {};
  for (const [port, { type }] of Object.entries(stage.outputs)) {
    files[port] = await filesOf(type, values[port]);
    outputs[port] = await type.read(files[port]);
  }
  return { outputs, files, metrics, log, progress } as StageResult<Out>;
}

/** The problem with which a stage fails; anything but a StageFailure is thrown on. */
export async function problemOf(running: Promise<unknown>): Promise<Problem> {
  try {
    await running;
  } catch (error) {
    if (error instanceof StageFailure) return error.problem;
    throw error;
  }
  throw new Error("the stage did not fail");
}

const ajv = new Ajv({ useDefaults: true, allowUnionTypes: true, strict: true });
const validators = new Map<ParamsSchema, ValidateFunction>();

/** Params with the schema's defaults filled in, as the engine does. */
export function paramsOf<Params, In extends InputPorts, Out extends OutputPorts>(
  stage: Stage<Params, In, Out>,
  params: object,
): Params {
  const filled = structuredClone(params);
  const validate = validators.get(stage.params) ?? ajv.compile(stage.params);
  validators.set(stage.params, validate);
  if (!validate(filled)) throw new Error(ajv.errorsText(validate.errors));
  return filled as Params;
}

async function stageInputs<In extends InputPorts>(
  ports: In,
  values: { readonly [K in keyof In]?: ValueOf<In[K]["type"]> },
): Promise<StageContext<unknown, In>["inputs"]> {
  const inputs: Record<string, unknown> = {};
  for (const [port, { type }] of Object.entries(ports)) {
    const value = values[port];
    if (value === undefined) continue;
    const files = await filesOf(type as ArtifactType<unknown>, value);
    inputs[port] = { files, read: () => type.read(files) };
  }
  return inputs as StageContext<unknown, In>["inputs"];
}
