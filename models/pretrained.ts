import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type ConfigJson, formatConfig } from "./config-json.ts";
import type { FileSource } from "./file-source.ts";
import { buildModel, taskOf } from "./index.ts";
import { hasLabels, labelsOf, problemTypeOf, withLabels } from "./labels.ts";
import type { Architecture, Model, ProblemType, Task } from "./model.ts";
import { ModelError } from "./model-error.ts";
import {
  initParameter,
  initParameters,
  type Parameter,
  type Parameters,
  parameter,
} from "./parameters.ts";
import { formatSafetensors, type RawTensor } from "./safetensors.ts";

/** A model with its weights: what training starts from and what it returns. */
export interface ModelWithWeights {
  readonly model: Model;
  /** config.json, verbatim except for the labels. */
  readonly config: ConfigJson;
  /** The label of each logit; none where the task has no labels. */
  readonly labels: readonly string[];
  readonly parameters: Parameters;
}

/** How a checkpoint's tensors and the model's parameters met; names in the model's order. */
export interface LoadReport {
  /** Parameters that the checkpoint lacks or that do not fit the labels: initialised from the seed. */
  readonly initialised: readonly string[];
  /** Tensors of the checkpoint that the model does not have. */
  readonly unexpected: readonly string[];
  /** Whether the checkpoint's own head is in use. */
  readonly keptHead: boolean;
}

/** What a checkpoint is read as. */
export interface LoadOptions {
  /** Absent: what `architectures` in config.json names. */
  readonly task?: Task;
  /** Absent: the checkpoint's own. Of no meaning for tasks without labels. */
  readonly labels?: readonly string[];
  /** Of a sequence classifier; absent: the checkpoint's own. */
  readonly problemType?: ProblemType;
  /** Of the parameters that the checkpoint lacks. */
  readonly seed: number;
}

/**
 * Reads a Hugging Face folder as a model for a task. A classifier's head is kept, with rows in the order
 * of `labels`, where it has the same labels by name; else a new one is drawn from `seed`. A
 * ModelError names every tensor that is missing or has another shape.
 */
export async function loadPretrained(
  source: FileSource,
  { task: wantedTask, labels: wanted, problemType: wantedType, seed }: LoadOptions,
): Promise<ModelWithWeights & { readonly report: LoadReport }> {
  const checkpoint = await openCheckpoint(source);
  const task = wantedTask ?? taskOf(checkpoint.config);
  const own = hasLabels(task) ? labelsOf(checkpoint.config) : [];
  const labels = hasLabels(task) ? (wanted ?? own) : [];
  const { config, problemType } = labelledConfig(checkpoint.config, { task, labels, wantedType });
  const request = { task, numLabels: labels.length, ...problemType };
  const { architecture, model } = buildModel(config, request);
  const keepsHead = sameSet(labels, own);
  const { found, unexpected } = matchNames(checkpoint, { model, architecture });
  const perLabel = model.parameters.flatMap((spec) => (spec.perLabel ? [spec.name] : []));
  if (!keepsHead) for (const name of perLabel) found.delete(name);
  const parameters = await readParameters(checkpoint, { model, found, seed });
  if (keepsHead) reorderHead(parameters, perLabel, { from: own, to: labels });
  const initialised = model.parameters.flatMap(({ name }) => (found.has(name) ? [] : [name]));
  const head = perLabel.length > 0 ? perLabel : initialised;
  const keptHead = !initialised.some((name) => head.includes(name));
  return { model, config, labels, parameters, report: { initialised, unexpected, keptHead } };
}

/** The parameters that were found in the checkpoint; the optional others from the seed. */
async function readParameters(
  checkpoint: Checkpoint,
  options: { model: Model; found: ReadonlyMap<string, string>; seed: number },
): Promise<Map<string, Parameter>> {
  const { model, found, seed } = options;
  const problems: string[] = [];
  for (const { name, shape, optional } of model.parameters) {
    const checkpointName = found.get(name);
    const stored = checkpointName && checkpoint.shapes.get(checkpointName);
    if (stored && `${stored}` !== `${shape}`)
      problems.push(`"${checkpointName}" is [${stored}], expected [${shape}]`);
    if (!stored && !optional) problems.push(`"${name}" is missing`);
  }
  if (problems.length > 0) throw mismatch(problems);
  const parameters = new Map<string, Parameter>();
  for (const spec of model.parameters) {
    const stored = found.get(spec.name);
    const value = stored === undefined ? initParameter(spec, seed) : await checkpoint.read(stored);
    parameters.set(spec.name, value);
  }
  return parameters;
}

/** A model of random weights: `config` as in config.json, `model_type` included. */
export function createModel(
  config: ConfigJson,
  {
    task,
    labels = [],
    problemType: wantedType,
    seed,
  }: { task: Task; labels?: readonly string[]; problemType?: ProblemType; seed: number },
): ModelWithWeights {
  const known = hasLabels(task) ? labels : [];
  const labelled = labelledConfig(config, { task, labels: known, wantedType });
  const request = { task, numLabels: known.length, ...labelled.problemType };
  const { model } = buildModel(labelled.config, request);
  const parameters = initParameters(model.parameters, seed);
  return { model, config: labelled.config, labels: known, parameters };
}

/**
 * The files of a Hugging Face folder by name: config.json and model.safetensors, which transformers 4
 * and 5 read. Equal models give equal bytes.
 */
export function formatPretrained(trained: ModelWithWeights): ReadonlyMap<string, Uint8Array> {
  const { model, config, labels, parameters } = trained;
  const { task, problemType } = model;
  const { _name_or_path, ...kept } = hasLabels(task)
    ? withLabels(config, labels, problemType)
    : config;
  const written: Record<string, unknown> = {
    transformers_version: "5.0.0",
    ...kept,
    ...model.writtenConfig,
    architectures: [model.className],
    ...(task === "sequence-classification" && {
      problem_type: problemType ?? "single_label_classification",
    }),
    dtype: "float32", // as transformers 5 names it
    torch_dtype: "float32", // as transformers 4 does
  };
  const tensors = new Map<string, RawTensor>();
  for (const [name, { shape, data }] of parameters) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    tensors.set(name, { dtype: "F32", shape, bytes });
  }
  return new Map<string, Uint8Array>([
    ["config.json", Buffer.from(formatConfig(written))],
    ["model.safetensors", formatSafetensors(tensors)],
  ]);
}

/** The configuration with the labels, and, of a sequence classifier, what it tells: what is wanted, else its own. */
function labelledConfig(
  config: ConfigJson,
  {
    task,
    labels,
    wantedType,
  }: { task: Task; labels: readonly string[]; wantedType: ProblemType | undefined },
): { config: ConfigJson; problemType?: { problemType: ProblemType } } {
  if (!hasLabels(task)) return { config };
  if (task !== "sequence-classification") return { config: withLabels(config, labels) };
  const problemType = wantedType ?? problemTypeOf(config);
  return { config: withLabels(config, labels, problemType), problemType: { problemType } };
}

/** For each parameter of the model the checkpoint's name for it, and the names left over; heads of other tasks are not. */
function matchNames(
  checkpoint: Checkpoint,
  { model, architecture }: { model: Model; architecture: Architecture },
): { found: Map<string, string>; unexpected: readonly string[] } {
  const expected = new Set(model.parameters.map(({ name }) => name));
  const heads = new Set(
    architecture.heads.filter((head) => !model.parameters.some((p) => p.name.startsWith(head))),
  );
  const found = new Map<string, string>();
  const unexpected: string[] = [];
  for (const checkpointName of checkpoint.shapes.keys()) {
    const name = model.parameterName(checkpointName);
    if (name === undefined) continue;
    const isOfOtherTask = [...heads].some((head) => name.startsWith(head));
    if (expected.has(name) && !found.has(name)) found.set(name, checkpointName);
    else if (!isOfOtherTask) unexpected.push(checkpointName);
  }
  return { found, unexpected };
}

function mismatch(problems: readonly string[]): ModelError {
  const shown = problems.slice(0, 10).join("; ");
  const more = problems.length > 10 ? `; and ${problems.length - 10} more` : "";
  return new ModelError(
    "checkpoint-mismatch",
    `The checkpoint does not fit its config.json: ${shown}${more}.`,
    "config.json and model.safetensors must come from the same model.",
  );
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const names = new Set(a);
  return a.length === b.length && b.every((name) => names.has(name));
}

/** Moves the head's rows from the checkpoint's order of labels to the one asked for. */
function reorderHead(
  parameters: Map<string, Parameter>,
  names: readonly string[],
  { from, to }: { from: readonly string[]; to: readonly string[] },
): void {
  if (to.every((label, id) => label === from[id])) return;
  for (const name of names) {
    const { shape, data } = parameters.get(name)!;
    const width = data.length / to.length;
    const moved = new Float32Array(data.length);
    for (const [id, label] of to.entries()) {
      const old = from.indexOf(label) * width;
      moved.set(data.subarray(old, old + width), id * width);
    }
    parameters.set(name, parameter(shape, moved));
  }
}
