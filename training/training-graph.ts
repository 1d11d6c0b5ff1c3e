import { type GradientGraph, gradientGraph } from "../compute/gradient-graph.ts";
import { input, type Shape } from "../compute/graph.ts";
import { weightedCrossEntropy } from "../compute/ops.ts";
import type { DropoutMasks } from "../models/layers.ts";
import type { SequenceClassifier } from "../models/model.ts";

/** A place where a training graph drops out: the input that takes its mask. */
export interface DropoutSite {
  readonly site: string;
  readonly input: string;
  readonly shape: Shape;
  readonly p: number;
}

/** What one batch of a shape computes in training. */
export interface TrainingGraph extends GradientGraph {
  readonly dropoutSites: readonly DropoutSite[];
}

/** The graph inputs of a batch of this shape, as int32 (`int64` in files for other runtimes). */
export function batchInputs(rows: number, length: number, dtype: "int32" | "int64" = "int32") {
  return {
    inputIds: input("input_ids", [rows, length], dtype),
    attentionMask: input("attention_mask", [rows, length], dtype),
    tokenTypeIds: input("token_type_ids", [rows, length], dtype),
  };
}

/**
 * The loss of a batch and its gradients. Inputs beside the batch's: the parameters by name,
 * `labels` [rows], `label_weights` [rows] (the loss is the weighted sum of the rows' cross
 * entropies), and a mask for each dropout site.
 */
export function trainingGraph(
  model: SequenceClassifier,
  { rows, length }: { readonly rows: number; readonly length: number },
): TrainingGraph {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const dropoutSites: DropoutSite[] = [];
  const dropoutMasks: DropoutMasks = (site, shape, p) => {
    if (p === 0) return undefined;
    dropoutSites.push({ site, input: `dropout.${site}`, shape, p });
    return input(`dropout.${site}`, shape, "uint8");
  };
  const { logits } = model.classify(params, batchInputs(rows, length), dropoutMasks);
  const labels = input("labels", [rows], "int32");
  const loss = weightedCrossEntropy(logits, labels, input("label_weights", [rows]));
  return { ...gradientGraph({ loss }, [...params.values()]), dropoutSites };
}
