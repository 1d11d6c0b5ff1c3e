import type { StageContext } from "../../engine/stage.ts";
import type { Task } from "../../models/model.ts";
import {
  formatPretrained,
  loadPretrained,
  type ModelWithWeights,
} from "../../models/pretrained.ts";
import { formatEventFile } from "../../training/event-file.ts";
import type { TrainerState } from "../../training/trainer-state.ts";
import type { FileContent, Folder } from "../artifacts/folder.ts";
import type { Metrics } from "../artifacts/metrics.ts";
import {
  modelSource,
  readTrainingFacts,
  type TrainingFacts,
  withModelErrors,
} from "../artifacts/model.ts";
import { TOKENIZER_FILES, type TokenizerFiles } from "../artifacts/tokenizer.ts";
import { learningOfModel } from "../task-rows.ts";
import { formatGenerationConfig } from "./generation-config.ts";
import { formatModelCard } from "./model-card.ts";
import { exportProvenOnnx } from "./proven-onnx.ts";
import type { SaveInputs, SaveParams } from "./save.ts";

/** Tasks of models that write texts. */
const WRITERS: readonly Task[] = ["causal-lm", "sequence-to-sequence"];

/**
 * The files of the saved folder. Records the metric onnx_max_difference: how far the logits of the written ONNX file
 * are from the model's own on sample rows; a StageFailure where that is more than rounding.
 */
export async function saveModel(
  context: StageContext<SaveParams, SaveInputs>,
): Promise<{ folder: Folder }> {
  const { inputs, params } = context;
  const given = inputs.model.files;
  const classifier = await withModelErrors("The model cannot be saved", () =>
    loadPretrained(modelSource(given), { seed: 0 }),
  );
  const training = await readTrainingFacts(given);
  const results = await inputs.metrics?.read();
  const files = new Map<string, FileContent>(formatPretrained(classifier));
  for (const name of [...TOKENIZER_FILES, "trainer_state.json"])
    if (given.has(name)) files.set(name, await given.read(name));
  if (params.tensorboard && given.has("trainer_state.json")) {
    const { log_history } = JSON.parse(await given.readText("trainer_state.json")) as TrainerState;
    files.set("runs/events.out.tfevents.0.tunesmith", formatEventFile(log_history));
  }
  if (WRITERS.includes(classifier.model.task) && files.has("tokenizer.json"))
    files.set("generation_config.json", formatGenerationConfig(classifier, tokenizerIn(files)));
  const config = files.get("tokenizer_config.json") as Uint8Array | undefined;
  const maxLength = longestText(classifier, training);
  if (config) files.set("tokenizer_config.json", withMaxLength(config, maxLength));
  const { files: onnxFiles, maxDifference } = await exportProvenOnnx(classifier, context);
  for (const [path, bytes] of onnxFiles) files.set(path, bytes);
  context.metric("onnx_max_difference", maxDifference);
  for (const [name, numbers] of resultFiles(training, results))
    files.set(name, `${JSON.stringify(numbers, null, 2)}\n`);
  files.set("README.md", cardOf(classifier, { params, training, results }));
  for (const [name, content] of files)
    if (content instanceof Uint8Array) context.log(`${name}: ${content.byteLength} bytes`);
  context.metric("parameters", parameterCount(classifier));
  return { folder: { files } };
}

function tokenizerIn(files: ReadonlyMap<string, FileContent>): TokenizerFiles {
  const found = TOKENIZER_FILES.filter((name) => files.has(name));
  return new Map(found.map((name) => [name, files.get(name) as Uint8Array]));
}

function longestText({ model }: ModelWithWeights, training?: TrainingFacts): number {
  return Math.min(training?.max_length ?? model.maxLength, model.maxLength);
}

/**
 * transformers.js and Python's pipelines cut texts at the tokenizer's model_max_length: without one, a long text
 * would ask the model for positions that it does not have. One that is given stays.
 */
function withMaxLength(bytes: Uint8Array, maxLength: number): Uint8Array {
  const config = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
  if (config.model_max_length !== undefined) return bytes;
  return Buffer.from(`${JSON.stringify({ ...config, model_max_length: maxLength }, null, 2)}\n`);
}

function cardOf(
  classifier: ModelWithWeights,
  {
    params,
    training,
    results,
  }: {
    params: SaveParams;
    training: TrainingFacts | undefined;
    results: Metrics | undefined;
  },
): string {
  return formatModelCard({
    learning: learningOfModel(classifier, "saved"),
    params,
    labels: classifier.labels,
    modelType: String(classifier.config.model_type),
    parameters: parameterCount(classifier),
    maxLength: longestText(classifier, training),
    ...(training && { training }),
    ...(results && { results }),
  });
}

/** train_results.json, eval_results.json and both together, with the keys that transformers' examples write. */
function resultFiles(
  training: TrainingFacts | undefined,
  results: Metrics | undefined,
): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const prefixed = Object.entries(results?.metrics ?? {}).map(
    ([name, value]) => [`eval_${name}`, value] as const,
  );
  const files = new Map<string, Readonly<Record<string, number>>>();
  if (training) files.set("train_results.json", training.metrics);
  if (results) files.set("eval_results.json", Object.fromEntries(prefixed));
  if (files.size > 0)
    files.set("all_results.json", { ...training?.metrics, ...Object.fromEntries(prefixed) });
  return files;
}

function parameterCount({ parameters }: ModelWithWeights): number {
  return [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0);
}
