import type { TensorData } from "../../compute/device.ts";
import { sizeOf } from "../../compute/graph.ts";
import type { BatchSizes } from "../../models/batch-inputs.ts";
import { architectures } from "../../models/index.ts";
import { hasLabels } from "../../models/labels.ts";
import type { Architecture, Model, ProblemType, Task } from "../../models/model.ts";
import { createModel, type ModelWithWeights } from "../../models/pretrained.ts";
import type { TrainingGraphOptions } from "../../training/training-graph.ts";
import type { TrainingBatch } from "../../training/training-step.ts";
import { generator } from "./case-data.ts";
import { smallConfigs, twins } from "./small-configs.ts";

/** A small model of a family for a task, with a batch that it can be trained on. */
export interface StepCase {
  readonly name: string;
  readonly start: ModelWithWeights;
  readonly batch: TrainingBatch;
  readonly options?: TrainingGraphOptions;
}

const labels = ["one", "two", "three"];
const padded: BatchSizes = { rows: 3, length: 5, targetLength: 4 };
/** Several texts in a row, and logits only where there is something to tell. */
const packed: BatchSizes = { rows: 2, length: 5, packed: true, logitsAt: 6 };

/** Every task of every family; decoders also with packed rows; and what a step may be told beside. */
export function stepCases(): StepCase[] {
  const each = architectures.flatMap((architecture) =>
    (Object.keys(architecture.classNames) as Task[]).flatMap((task) => {
      const name = `${architecture.modelType} for ${task}`;
      const start = smallModel(architecture, task);
      const cases = [{ name, start, batch: drawBatch(start.model, padded) }];
      if (task !== "causal-lm") return cases;
      return [...cases, { name: `${name}, packed`, start, batch: drawBatch(start.model, packed) }];
    }),
  );
  return [...each, ...each.flatMap(variantsOf)];
}

/** Other targets and losses of one classifier, and layers that are computed again in one family of each kind. */
function variantsOf({ name, start, batch }: StepCase): StepCase[] {
  const again = { name: `${name}, computed again`, start, batch, options: { checkpointing: true } };
  if (["llama for causal-lm", "t5 for sequence-to-sequence"].includes(name)) return [again];
  if (name !== "bert for sequence-classification") return [];
  const smoothed = { name: `${name}, smoothed`, start, batch, options: { smoothing: 0.1 } };
  const ofType = (problemType: ProblemType) => {
    const model = { ...start.model, problemType };
    return {
      name: `${name}, ${problemType}`,
      start: { ...start, model },
      batch: drawBatch(model, padded),
    };
  };
  const types = ["multi_label_classification", "regression"] as const;
  return [again, smoothed, ...types.map(ofType)];
}

/** Weights are moved away from where training starts: zeros and ones would hide mistakes. */
function smallModel({ modelType }: Architecture, task: Task): ModelWithWeights {
  const small = smallConfigs[twins[modelType] ?? modelType];
  if (small === undefined) throw new Error(`small-configs.ts lacks ${modelType}.`);
  const config = { ...small, model_type: modelType };
  const start = createModel(config, { task, ...(hasLabels(task) && { labels }), seed: 1 });
  const random = generator(7);
  for (const { data } of start.parameters.values())
    for (let i = 0; i < data.length; i++) data[i]! += (random() - 0.5) / 2;
  return start;
}

/** Rows of which each has one padding token more than the one before. */
function drawBatch(model: Model, sizes: BatchSizes): TrainingBatch {
  const { rows, length, targetLength = length, packed } = sizes;
  const random = generator(3);
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from));
  const grid = (columns: number, element: (row: number, column: number) => number) =>
    int32([rows, columns], (i) => element(Math.floor(i / columns), i % columns));
  const target = placesOf(model, { ...sizes, targetLength });
  const classes = hasLabels(model.task) ? labels.length : model.vocabSize;
  const count = sizeOf(target);
  const isFloat = hasFloatLabels(model);
  const tensors: Record<string, TensorData> = {
    input_ids: grid(length, () => whole(2, model.vocabSize)),
    attention_mask: grid(length, (row, column) => Number(packed || column < length - row)),
    token_type_ids: grid(length, (_, column) => Number(column > 2)),
    decoder_input_ids: grid(targetLength, () => whole(2, model.vocabSize)),
    labels: isFloat ? float32(target, () => whole(0, 2)) : int32(target, () => whole(0, classes)),
    start_positions: int32(target, () => whole(0, length)),
    end_positions: int32(target, () => whole(0, length)),
    label_weights: float32(target, (i) => Number(i !== 1) / (count - 1)),
    ...(packed && {
      position_ids: grid(length, (_, column) => column % 3),
      text_ids: grid(length, (_, column) => Number(column > 2)),
      logits_at: int32([sizes.logitsAt!], (i) => i + 2),
    }),
  };
  return { sizes, tensors: new Map(Object.entries(tensors)) };
}

function hasFloatLabels({ problemType }: Model): boolean {
  return problemType === "multi_label_classification" || problemType === "regression";
}

/** The places that have a label. */
function placesOf(model: Model, sizes: BatchSizes): readonly number[] {
  const { rows, length, targetLength, logitsAt } = sizes;
  if (logitsAt !== undefined) return [logitsAt];
  if (hasFloatLabels(model)) return [rows, labels.length];
  const { task } = model;
  if (task === "sequence-classification" || task === "question-answering") return [rows];
  return [rows, task === "sequence-to-sequence" ? targetLength! : length];
}

function int32(shape: readonly number[], element: (i: number) => number): TensorData {
  const data = Int32Array.from({ length: sizeOf(shape) }, (_, i) => element(i));
  return { dtype: "int32", shape, data };
}

function float32(shape: readonly number[], element: (i: number) => number): TensorData {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => element(i));
  return { dtype: "float32", shape, data };
}
