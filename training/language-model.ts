import { graphOf, input } from "../compute/graph.ts";
import { type BatchSizes, batchInputs } from "../models/batch-inputs.ts";
import { streamKey } from "../models/counter-hash.ts";
import { noDropout } from "../models/layers.ts";
import type { Model } from "../models/model.ts";
import { evaluationBatches, padBatch, trainingBatch } from "./batches.ts";
import type { EvaluationOptions } from "./evaluate.ts";
import { maskedDataset } from "./masking.ts";
import { ModelGraphs } from "./model-graphs.ts";
import { taskLoss } from "./task-loss.ts";
import { labelCount, rowCount, type TokenDataset } from "./token-dataset.ts";

/** How well a language model foretells words. */
export interface LanguageModelMetrics {
  /** Mean cross entropy of the tokens to be told, in nats. */
  readonly loss: number;
  /** e to the loss. */
  readonly perplexity: number;
  /** How many were to be told. */
  readonly tokens: number;
}

const TARGET_SESSIONS = 16;

/** Measures a model for masked-lm, causal-lm or sequence-to-sequence; which words are hidden depends on nothing but the rows. */
export async function measureLanguageModel(
  dataset: TokenDataset,
  options: EvaluationOptions,
): Promise<LanguageModelMetrics> {
  const { model, signal, onProgress } = options;
  const shown = maskedDataset(dataset, streamKey(0, "mask", "evaluation"));
  const rows = Math.min(options.batchSize, rowCount(shown));
  const tokens = labelCount(shown, [...shown.rowIds.keys()]);
  // Batches come sorted by length, so that no shape comes again, but for those of targets.
  const sessions = shown.labelsOf === "sequences" ? TARGET_SESSIONS : 1;
  const graphs = new ModelGraphs(options, { sessions });
  let [loss, done] = [0, 0];
  try {
    for (const rowNumbers of evaluationBatches(shown, rows)) {
      signal?.throwIfAborted();
      const batch = trainingBatch(padBatch(shown, rowNumbers, { ...model, rows }), 1);
      const outputs = await graphs.run(
        JSON.stringify(batch.sizes),
        () => lossGraph(model, batch.sizes),
        batch.tensors,
      );
      loss += outputs.loss!.data[0] as number;
      done += rowNumbers.length;
      onProgress?.(done, rowCount(shown));
    }
  } finally {
    await graphs.release();
  }
  const mean = loss / Math.max(1, tokens);
  return { loss: mean, perplexity: Math.exp(mean), tokens };
}

function lossGraph(model: Model, sizes: BatchSizes) {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const { logits } = model.compute(params, batchInputs(model, sizes), noDropout);
  return graphOf({ loss: taskLoss(model.task, logits) });
}
