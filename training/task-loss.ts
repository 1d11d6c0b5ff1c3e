import { input, sizeOf, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { Task } from "../models/model.ts";

/**
 * The loss of a batch: a weighted sum of cross entropies. Its graph inputs are `labels` (int32, what the
 * model should say at each place: for causal-lm the next token) and `label_weights` (float32; 0 leaves a
 * place out, whatever its label), both of the shape of the logits without their last axis; for
 * question-answering `start_positions`, `end_positions` and `label_weights`, each [rows], and the
 * loss is the mean of both. Weights of 1 / (labels that count in the whole step) make it a mean.
 * Label smoothing as in transformers' LabelSmoother; not for answers.
 */
export function taskLoss(
  task: Task,
  logits: Value,
  { smoothing = 0 }: { smoothing?: number } = {},
): Value {
  if (task === "question-answering") return answerLoss(logits);
  const shape = logits.shape.slice(0, -1);
  const count = sizeOf(shape);
  const labels = ops.reshape(input("labels", shape, "int32"), [count]);
  const weights = ops.reshape(input("label_weights", shape), [count]);
  return ops.weightedCrossEntropy(ops.reshape(logits, [count, -1]), labels, weights, { smoothing });
}

function answerLoss(logits: Value): Value {
  const [rows, length] = logits.shape as [number, number, number];
  const weights = input("label_weights", [rows]);
  const [start, end] = ops.split(logits, [1, 1], 2).map((x) => ops.reshape(x, [rows, length]));
  const sum = ops.add(
    ops.weightedCrossEntropy(start!, input("start_positions", [rows], "int32"), weights),
    ops.weightedCrossEntropy(end!, input("end_positions", [rows], "int32"), weights),
  );
  return ops.mul(sum, 0.5);
}
