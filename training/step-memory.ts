import type { Device } from "../compute/device.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import { padBatch, trainingBatch } from "./batches.ts";
import { rowCount, rowLength, type TokenDataset, targetOf } from "./token-dataset.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { trainingGraph } from "./training-graph.ts";

/** About how many bytes of tensors a training holds at once in its largest step, beside weights and optimizer. */
export interface StepMemory {
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
  readonly bytes: number;
  /** With `gradient_checkpointing` the other way. */
  readonly otherwise: number;
}

/** Of a row, and of its target. */
function tokensOf(dataset: TokenDataset, row: number): number {
  const target = dataset.labelsOf === "sequences" ? targetOf(dataset, row).length : 0;
  return rowLength(dataset, row) + target;
}

/** The memory that the batch with the longest row will take, told before it is computed; undefined where the device cannot. */
export function stepMemory(
  { model }: Pick<ModelWithWeights, "model">,
  dataset: TokenDataset,
  { given, device }: { given: TrainingArguments; device: Device },
): StepMemory | undefined {
  if (device.peakBytes === undefined) return undefined;
  const all = rowCount(dataset);
  let longest = 0;
  for (let row = 1; row < all; row++)
    if (tokensOf(dataset, row) > tokensOf(dataset, longest)) longest = row;
  const rows = Math.min(given.per_device_train_batch_size, all);
  const batch = padBatch(dataset, [longest], { ...model, rows });
  const { sizes } = trainingBatch(batch, 1);
  const bytesOf = (checkpointing: boolean) => {
    const { graph } = trainingGraph(model, sizes, { checkpointing });
    return device.peakBytes!(graph, { repeats: checkpointing });
  };
  const { gradient_checkpointing: checkpointing } = given;
  return {
    rows,
    length: batch.length,
    bytes: bytesOf(checkpointing),
    otherwise: bytesOf(!checkpointing),
  };
}
