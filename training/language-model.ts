import type { TensorData } from "../compute/device.ts";
import { graphOf, input } from "../compute/graph.ts";
import { SessionCache } from "../compute/session-cache.ts";
import { type BatchSizes, batchInputs } from "../models/batch-inputs.ts";
import { streamKey } from "../models/counter-hash.ts";
import { noDropout } from "../models/layers.ts";
import type { Model } from "../models/model.ts";
import { evaluationBatches, padBatch, trainingBatch } from "./batches.ts";
import type { EvaluationOptions } from "./evaluate.ts";
import { maskedDataset } from "./masking.ts";
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
  const { model, parameters, device, signal, onProgress } = options;
  const shown = maskedDataset(dataset, streamKey(0, "mask", "evaluation"));
  const rows = Math.min(options.batchSize, rowCount(shown));
  const tokens = labelCount(shown, [...shown.rowIds.keys()]);
  // Batches come sorted by length, so that no shape comes again, but for those of targets.
  const sessions = new SessionCache(shown.labelsOf === "sequences" ? TARGET_SESSIONS : 1);
  let [loss, done] = [0, 0];
  try {
    for (const rowNumbers of evaluationBatches(shown, rows)) {
      signal?.throwIfAborted();
      const batch = trainingBatch(padBatch(shown, rowNumbers, { ...model, rows }), 1);
      const executable = await sessions.get(JSON.stringify(batch.sizes), () =>
        device.compile(lossGraph(model, batch.sizes)),
      );
      const inputs = new Map<string, TensorData>([...parameters, ...batch.tensors]);
      loss += (await executable.run(inputs)).loss!.data[0] as number;
      done += rowNumbers.length;
      onProgress?.(done, rowCount(shown));
    }
  } finally {
    await sessions.clear();
  }
  const mean = loss / Math.max(1, tokens);
  return { loss: mean, perplexity: Math.exp(mean), tokens };
}

function lossGraph(model: Model, sizes: BatchSizes) {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const { logits } = model.compute(params, batchInputs(model, sizes), noDropout);
  return graphOf({ loss: taskLoss(model.task, logits) });
}
