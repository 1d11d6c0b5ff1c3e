import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type ConfigJson, fieldError } from "./config-json.ts";
import type { FileSource } from "./file-source.ts";
import { architectureOf } from "./index.ts";
import type { SequenceClassifier } from "./model.ts";
import { ModelError } from "./model-error.ts";
import {
  initParameter,
  initParameters,
  type Parameter,
  type Parameters,
  parameter,
} from "./parameters.ts";
import { formatSafetensors, type RawTensor } from "./safetensors.ts";

/** A classifier with its weights: what training starts from and what it returns. */
export interface ClassifierWithWeights {
  readonly model: SequenceClassifier;
  /** config.json, verbatim except for the labels. */
  readonly config: ConfigJson;
  /** The label of each logit. */
  readonly labels: readonly string[];
  readonly parameters: Parameters;
}

/** How a checkpoint's tensors and the model's parameters met; names in the model's order. */
export interface LoadReport {
  /** Parameters that the checkpoint lacks or that do not fit the labels: initialised from the seed. */
  readonly initialised: readonly string[];
  /** Tensors of the checkpoint that the model does not have. */
  readonly unexpected: readonly string[];
  /** Whether the checkpoint's own classification head is in use. */
  readonly keptHead: boolean;
}

/**
 * Reads a Hugging Face folder as a classifier of `labels` (absent: the checkpoint's own). Its head is
 * kept, with rows in the order of `labels`, where it has the same labels by name; else a new one is
 * drawn from `seed`. A ModelError names every tensor that is missing or has another shape.
 */
export async function loadPretrained(
  source: FileSource,
  { labels: wanted, seed }: { labels?: readonly string[]; seed: number },
): Promise<ClassifierWithWeights & { readonly report: LoadReport }> {
  const checkpoint = await openCheckpoint(source);
  const own = labelsOf(checkpoint.config);
  const labels = wanted ?? own;
  const architecture = architectureOf(checkpoint.config);
  const config = withLabels(checkpoint.config, labels);
  const model = architecture.sequenceClassifier(config, labels.length);
  const keepsHead = sameSet(labels, own);
  const { found, unexpected } = matchNames(checkpoint, model, architecture.parameterName);
  if (!keepsHead) for (const name of [...found.keys()].filter(isHead)) found.delete(name);
  const parameters = await readParameters(checkpoint, { model, found, seed });
  if (keepsHead) reorderHead(parameters, own, labels);
  const initialised = model.parameters.flatMap(({ name }) => (found.has(name) ? [] : [name]));
  const keptHead = !initialised.some(isHead);
  return { model, config, labels, parameters, report: { initialised, unexpected, keptHead } };
}

/** The parameters that were found in the checkpoint; the optional others from the seed. */
async function readParameters(
  checkpoint: Checkpoint,
  options: { model: SequenceClassifier; found: ReadonlyMap<string, string>; seed: number },
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

/** A classifier of random weights: `config` as in config.json, `model_type` included. */
export function createClassifier(
  config: ConfigJson,
  { labels, seed }: { labels: readonly string[]; seed: number },
): ClassifierWithWeights {
  const labelled = withLabels(config, labels);
  const model = architectureOf(config).sequenceClassifier(labelled, labels.length);
  return { model, config: labelled, labels, parameters: initParameters(model.parameters, seed) };
}

/**
 * The files of a Hugging Face folder by name: config.json and model.safetensors, which transformers 4
 * and 5 read. Equal models give equal bytes.
 */
export function formatPretrained(trained: ClassifierWithWeights): ReadonlyMap<string, Uint8Array> {
  const { model, config, labels, parameters } = trained;
  const { _name_or_path, ...kept } = withLabels(config, labels);
  const written: Record<string, unknown> = {
    transformers_version: "5.0.0",
    ...kept,
    architectures: [model.className],
    problem_type: "single_label_classification",
    dtype: "float32", // as transformers 5 names it
    torch_dtype: "float32", // as transformers 4 does
  };
  const sorted = Object.fromEntries(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1)));
  const tensors = new Map<string, RawTensor>();
  for (const [name, { shape, data }] of parameters) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    tensors.set(name, { dtype: "F32", shape, bytes });
  }
  return new Map<string, Uint8Array>([
    ["config.json", Buffer.from(`${JSON.stringify(sorted, null, 2)}\n`)],
    ["model.safetensors", formatSafetensors(tensors)],
  ]);
}

const HEAD = "classifier.";

function isHead(name: string): boolean {
  return name.startsWith(HEAD);
}

/** The labels of a configuration in the order of their ids; two, as transformers has it, where it names none. */
export function labelsOf(config: ConfigJson): readonly string[] {
  const { id2label } = config;
  if (id2label === undefined || id2label === null) return ["LABEL_0", "LABEL_1"];
  const labels = Object.keys(id2label).map((_, id) => (id2label as Record<string, unknown>)[id]);
  if (labels.length > 0 && labels.every((label) => typeof label === "string")) return labels;
  throw fieldError(config, "id2label", "an object of names by ids 0, 1, 2, …");
}

/** The configuration with these labels; a ModelError where it asks for another kind of problem. */
function withLabels(config: ConfigJson, labels: readonly string[]): ConfigJson {
  const { problem_type = null, num_labels, ...rest } = config;
  if (problem_type !== null && problem_type !== "single_label_classification")
    throw fieldError(config, "problem_type", '"single_label_classification"');
  if (labels.length < 2)
    throw new ModelError(
      "labels-too-few",
      `A classifier needs at least 2 labels; got ${labels.length}.`,
    );
  if (new Set(labels).size !== labels.length)
    throw new ModelError("labels-repeated", "A label is given twice.");
  const ids = labels.map((label, id) => [label, id] as const);
  return {
    ...rest,
    id2label: Object.fromEntries(ids.map(([label, id]) => [id, label])),
    label2id: Object.fromEntries(ids),
  };
}

/** For each parameter of the model the checkpoint's name for it, and the names left over. */
function matchNames(
  checkpoint: Checkpoint,
  model: SequenceClassifier,
  parameterName: (checkpointName: string) => string | undefined,
): { found: Map<string, string>; unexpected: readonly string[] } {
  const expected = new Set(model.parameters.map(({ name }) => name));
  const found = new Map<string, string>();
  const unexpected: string[] = [];
  for (const checkpointName of checkpoint.shapes.keys()) {
    const name = parameterName(checkpointName);
    if (name === undefined) continue;
    if (expected.has(name) && !found.has(name)) found.set(name, checkpointName);
    else unexpected.push(checkpointName);
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
  from: readonly string[],
  to: readonly string[],
): void {
  if (to.every((label, id) => label === from[id])) return;
  for (const [name, { shape, data }] of [...parameters]) {
    if (!isHead(name)) continue;
    const width = data.length / to.length;
    const moved = new Float32Array(data.length);
    for (const [id, label] of to.entries()) {
      const old = from.indexOf(label) * width;
      moved.set(data.subarray(old, old + width), id * width);
    }
    parameters.set(name, parameter(shape, moved));
  }
}
