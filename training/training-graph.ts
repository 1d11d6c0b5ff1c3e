import { type GradientGraph, gradientGraph } from "../compute/gradient-graph.ts";
import { input, type NarrowType } from "../compute/graph.ts";
import { mixedPrecision as inMixedPrecision } from "../compute/mixed-precision.ts";
import { type BatchSizes, batchInputs } from "../models/batch-inputs.ts";
import type { DropoutMasks } from "../models/layers.ts";
import type { Model } from "../models/model.ts";
import { computedMasks } from "./computed-masks.ts";
import type { DropoutSpec } from "./dropout-mask.ts";
import { taskLoss } from "./task-loss.ts";

/** A place where a training graph drops out: the input that takes its mask. */
export interface DropoutSite extends DropoutSpec {
  readonly input: string;
}

/** What one batch of a shape computes in training. */
export interface TrainingGraph extends GradientGraph {
  /** None where the graph computes its masks. */
  readonly dropoutSites: readonly DropoutSite[];
}

export interface TrainingGraphOptions {
  /** Of labels. */
  readonly smoothing?: number;
  /** Whether layers are computed again in the backward pass instead of being kept. */
  readonly checkpointing?: boolean;
  /** What products are computed in; with float16 a scalar input `loss_scale` multiplies the gradients, not the loss. */
  readonly mixedPrecision?: NarrowType | undefined;
  /** Whether masks are computed, as `computedMasks` does it, and not given. */
  readonly computesMasks?: boolean;
}

/**
 * The loss of a batch and its gradients. Inputs beside the batch's: the parameters by name, those of
 * `taskLoss`, and a mask for each dropout site, or what they are computed from.
 */
export function trainingGraph(
  model: Model,
  sizes: BatchSizes,
  {
    smoothing = 0,
    checkpointing = false,
    mixedPrecision,
    computesMasks = false,
  }: TrainingGraphOptions = {},
): TrainingGraph {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const dropoutSites: DropoutSite[] = [];
  const dropoutMasks = computesMasks ? computedMasks() : givenMasks(dropoutSites);
  const batch = batchInputs(model, sizes);
  const { logits, layerInputs } = model.compute(params, batch, dropoutMasks);
  const { task, problemType } = model;
  const { attentionMask } = batch;
  const loss = taskLoss(task, logits, {
    smoothing,
    attentionMask,
    ...(problemType && { problemType }),
  });
  const trained = model.parameters.flatMap(({ name, frozen }) =>
    frozen ? [] : [params.get(name)!],
  );
  const boundaries = checkpointing ? layerInputs : [];
  const lossScale = mixedPrecision === "float16" ? input("loss_scale", []) : undefined;
  const exact = gradientGraph({ loss }, trained, { boundaries, ...(lossScale && { lossScale }) });
  if (mixedPrecision === undefined) return { ...exact, dropoutSites };
  return { ...exact, graph: inMixedPrecision(exact.graph, mixedPrecision), dropoutSites };
}

/** Masks as inputs, each of which is added to `sites`. */
function givenMasks(sites: DropoutSite[]): DropoutMasks {
  return (site, shape, p) => {
    if (p === 0) return undefined;
    sites.push({ site, input: `dropout.${site}`, shape, p });
    return input(`dropout.${site}`, shape, "uint8");
  };
}
