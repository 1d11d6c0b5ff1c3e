import { constant, input, sizeOf, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { ProblemType, Task } from "../models/model.ts";

/** What a loss depends on beside task and logits. */
export interface LossOptions {
  /** Of sequence-classification; absent: one label of several. */
  readonly problemType?: ProblemType;
  /** Label smoothing as in transformers' LabelSmoother; only where labels are one of several. */
  readonly smoothing?: number;
  /** Of the batch, int [rows, length]: an answer is not sought where no row has a token. Absent: all have. */
  readonly attentionMask?: Value;
}

/**
 * The loss of a batch: a weighted sum of cross entropies. Its graph inputs are `labels` (int32, what the
 * model should say at each place: for causal-lm the next token) and `label_weights` (float32; 0 leaves a
 * place out, whatever its label), both of the shape of the logits without their last axis; for
 * question-answering `start_positions`, `end_positions` and `label_weights`, each [rows], and the
 * loss is the mean of both. Of several labels and of numbers `labels` is float32 and it and the weights
 * have the shape of the logits: a sum of binary cross entropies, or of squared differences.
 * Weights of 1 / (labels that count in the whole step) make it a mean.
 */
export function taskLoss(task: Task, logits: Value, options: LossOptions = {}): Value {
  const { problemType, smoothing = 0 } = options;
  if (task === "question-answering") return answerLoss(logits, options);
  if (problemType === "regression") return squaredError(logits);
  if (problemType === "multi_label_classification") return binaryCrossEntropy(logits);
  const shape = logits.shape.slice(0, -1);
  const count = sizeOf(shape);
  const labels = ops.reshape(input("labels", shape, "int32"), [count]);
  const weights = ops.reshape(input("label_weights", shape), [count]);
  return ops.weightedCrossEntropy(ops.reshape(logits, [count, -1]), labels, weights, { smoothing });
}

/** A label that is there or not is a choice between logits x and 0: torch's BCEWithLogitsLoss. */
function binaryCrossEntropy(logits: Value): Value {
  const count = sizeOf(logits.shape);
  const labels = ops.reshape(ops.cast(input("labels", logits.shape), "int32"), [count]);
  const weights = ops.reshape(input("label_weights", logits.shape), [count]);
  const absent = constant(0, [count, 1], "float32");
  const pairs = ops.concat([absent, ops.reshape(logits, [count, 1])], 1);
  return ops.weightedCrossEntropy(pairs, labels, weights);
}

function squaredError(logits: Value): Value {
  const difference = ops.sub(logits, input("labels", logits.shape));
  const weighted = ops.mul(ops.mul(difference, difference), input("label_weights", logits.shape));
  return ops.reduceSum(weighted, [0, 1]);
}

function answerLoss(logits: Value, { attentionMask }: LossOptions): Value {
  const [rows, length] = logits.shape as [number, number, number];
  const weights = input("label_weights", [rows]);
  const [start, end] = ops.split(logits, [1, 1], 2).map((x) => ops.reshape(x, [rows, length]));
  const lossOf = (x: Value, name: string) =>
    ops.weightedCrossEntropy(
      attentionMask ? withoutPadding(x, attentionMask) : x,
      input(name, [rows], "int32"),
      weights,
    );
  const sum = ops.add(lossOf(start!, "start_positions"), lossOf(end!, "end_positions"));
  return ops.mul(sum, 0.5);
}

/**
 * In transformers the padding of a batch up to its longest row competes with the tokens; what is padded here beyond
 * that, so that a compiled graph fits, must not.
 */
function withoutPadding(logits: Value, attentionMask: Value): Value {
  const tokens = ops.reduceSum(ops.cast(attentionMask, "float32"), [0], true); // (1, T)
  return ops.add(logits, ops.where(ops.greater(tokens, 0), 0, -1e9));
}
