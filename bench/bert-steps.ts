import type { Device } from "../compute/device.ts";
import { hashAt, streamKey } from "../models/counter-hash.ts";
import { createModel } from "../models/pretrained.ts";
import { fineTune } from "../training/fine-tune.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import type { TrainingArguments } from "../training/training-arguments.ts";

/** Classes of the random rows. */
export const labels = ["a", "b", "c"];

/** A BERT of 2 layers for slow devices, one of 6, and BERT-base. */
export const configs = {
  tiny: {
    vocab_size: 30522,
    hidden_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 512,
    max_position_embeddings: 512,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  },
  small: {
    vocab_size: 30522,
    hidden_size: 384,
    num_hidden_layers: 6,
    num_attention_heads: 12,
    intermediate_size: 1536,
    max_position_embeddings: 512,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  },
  base: {
    vocab_size: 30522,
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
    max_position_embeddings: 512,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  },
} as const;
export type ConfigName = keyof typeof configs;

/** A batch's size, and how many steps are taken. */
export interface StepsOptions {
  readonly rows: number;
  readonly length: number;
  readonly steps: number;
  /** What matrix products are computed in; as they stand, in float32. */
  readonly precision?: TrainingArguments["mixed_precision"];
  /** Called when the first step, which compiles, is done. */
  readonly warm?: () => void;
}

/** The seconds of each training step on a device but the first, which compiles; weights stay there between steps. */
export async function trainSteps(
  start: ReturnType<typeof startOf>,
  device: Device,
  { rows, length, steps, precision = "no", warm }: StepsOptions,
): Promise<number[]> {
  const seconds: number[] = [];
  let began = performance.now();
  await fineTune({
    start,
    dataset: randomDataset(rows * Math.min(steps, 3), length),
    device,
    arguments: {
      max_steps: steps + 1,
      per_device_train_batch_size: rows,
      weight_decay: 0.01,
      logging_steps: 1,
      mixed_precision: precision,
    },
    onProgress() {
      seconds.push((performance.now() - began) / 1000);
      if (seconds.length === 1) warm?.();
      began = performance.now();
    },
  });
  return seconds.slice(1);
}

/** A model with random weights. */
export function startOf(config: ConfigName) {
  const json = { model_type: "bert", ...configs[config] };
  return createModel(json, { task: "sequence-classification", labels, seed: 0 });
}

/** Rows of one length, with random ids and labels. */
function randomDataset(count: number, length: number): TokenDataset {
  const key = streamKey(0, "bench");
  const ids = Uint16Array.from({ length: count * length }, (_, i) => 5 + (hashAt(key, i) % 30517));
  const offsets = Int32Array.from({ length: count + 1 }, (_, row) => row * length);
  const labelOf = (_: unknown, row: number) => hashAt(key, 2 ** 31 + row) % labels.length;
  return {
    ids,
    offsets,
    labels: Int32Array.from({ length: count }, labelOf),
    rowIds: Array.from({ length: count }, (_, row) => `${row}`),
  };
}
