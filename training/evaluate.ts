import type { Device } from "../compute/device.ts";
import { graphOf, input } from "../compute/graph.ts";
import { type BatchSizes, batchInputs } from "../models/batch-inputs.ts";
import { noDropout } from "../models/layers.ts";
import type { Model } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import { batchTensors, evaluationBatches, padBatch } from "./batches.ts";
import { ModelGraphs } from "./model-graphs.ts";
import { rowCount, rowLength, type TokenDataset } from "./token-dataset.ts";

/** What evaluation needs beside the rows. */
export interface EvaluationOptions {
  readonly model: Model;
  readonly parameters: Parameters;
  readonly device: Device;
  /** Rows that are computed together (`per_device_eval_batch_size`). */
  readonly batchSize: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (rowsDone: number, rows: number) => void;
}

/**
 * The logits of each row, in the dataset's order: [rows, labels], without dropout; of a task with logits for
 * each token [tokens, labels], the tokens as they lie in the dataset.
 */
export async function predictLogits(
  dataset: TokenDataset,
  options: EvaluationOptions,
): Promise<Float32Array> {
  const { model, signal, onProgress } = options;
  const rows = Math.min(options.batchSize, rowCount(dataset));
  const graphs = new ModelGraphs(options, { sessions: 1 }); // batches come sorted by length, so no shape comes again
  let logits = new Float32Array(0);
  let done = 0;
  try {
    for (const rowNumbers of evaluationBatches(dataset, rows)) {
      signal?.throwIfAborted();
      const { maxLength, padTokenId } = model;
      const batch = padBatch(dataset, rowNumbers, { rows, maxLength, padTokenId });
      const outputs = await graphs.run(
        `${batch.length}`,
        () => logitsGraph(model, { rows, length: batch.length }),
        batchTensors(batch),
      );
      const found = outputs.logits!;
      const labels = found.shape.at(-1)!;
      const ofTokens = found.shape.length === 3;
      if (done === 0)
        logits = new Float32Array((ofTokens ? dataset.ids.length : rowCount(dataset)) * labels);
      for (const [at, row] of rowNumbers.entries()) {
        const first = ofTokens ? at * batch.length : at;
        const count = ofTokens ? rowLength(dataset, row) : 1;
        const own = found.data.subarray(first * labels, (first + count) * labels) as Float32Array;
        logits.set(own, (ofTokens ? dataset.offsets[row]! : row) * labels);
      }
      done += rowNumbers.length;
      onProgress?.(done, rowCount(dataset));
    }
  } finally {
    await graphs.release();
  }
  return logits;
}

/** The graph from a batch of a shape to its `logits`; the parameters are inputs by their names. */
export function logitsGraph(model: Model, sizes: BatchSizes) {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const { logits } = model.compute(params, batchInputs(model, sizes), noDropout);
  return graphOf({ logits });
}
