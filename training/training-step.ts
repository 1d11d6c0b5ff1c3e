import type { Device, TensorData } from "../compute/device.ts";
import { nameOf, sizeOf } from "../compute/graph.ts";
import type { EmbeddingLookup } from "../compute/hoist-embeddings.ts";
import { SessionCache } from "../compute/session-cache.ts";
import type { BatchSizes } from "../models/batch-inputs.ts";
import type { Model } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import type { BatchRole } from "./dropout-key.ts";
import type { GradientSum } from "./gradient-sum.ts";
import { InputBuffers } from "./input-buffers.ts";
import { type TrainingGraph, type TrainingGraphOptions, trainingGraph } from "./training-graph.ts";

/** A batch as a training graph of its sizes reads it. */
export interface TrainingBatch {
  readonly sizes: BatchSizes;
  /** The graph's inputs by name, but for parameters and dropout masks. */
  readonly tensors: ReadonlyMap<string, TensorData>;
}

/**
 * Computes losses and gradients of batches on a device. Parameters are read where they lie at each
 * run; rows of embedding tables are gathered here and their gradients stay sparse.
 */
export class TrainingStep {
  readonly #model: Model;
  readonly #device: Device;
  readonly #sessions: SessionCache;
  readonly #graphs = new Map<string, TrainingGraph>();
  readonly #paddingRows: ReadonlyMap<string, number | undefined>;
  readonly #buffers = new InputBuffers();

  readonly #options: TrainingGraphOptions;

  /** Keeps at most `sessions` compiled graphs, one for each shape of batch. */
  constructor(
    model: Model,
    device: Device,
    { sessions, ...options }: { sessions: number } & TrainingGraphOptions,
  ) {
    this.#options = options;
    this.#model = model;
    this.#device = device;
    this.#sessions = new SessionCache(sessions);
    this.#paddingRows = new Map(model.parameters.map((spec) => [spec.name, spec.paddingRow]));
  }

  /** Adds the batch's gradients, times the scale that mixed precision needs, to the sum and returns its loss. */
  async addGradients(
    sum: GradientSum,
    parameters: Parameters,
    { batch, role, lossScale }: { batch: TrainingBatch; role: BatchRole; lossScale?: number },
  ): Promise<number> {
    const key = JSON.stringify(batch.sizes);
    const training =
      this.#graphs.get(key) ?? trainingGraph(this.#model, batch.sizes, this.#options);
    this.#graphs.set(key, training);
    const repeats = this.#options.checkpointing ?? false;
    const executable = await this.#sessions.get(key, () =>
      this.#device.compile(training.graph, { repeats }),
    );
    const inputs = new Map<string, TensorData>([...parameters, ...batch.tensors]);
    if (lossScale !== undefined)
      inputs.set("loss_scale", { dtype: "float32", shape: [], data: Float32Array.of(lossScale) });
    this.#buffers.addMasks(inputs, training.dropoutSites, role);
    this.#addRows(inputs, training, parameters);
    const outputs = await executable.run(inputs);
    const outputOf = (name: string) => outputs[name]!.data as Float32Array;
    for (const [name, gradient] of training.dense) sum.addDense(name, outputOf(gradient));
    for (const { table, lookup, gradient } of training.hoisted) {
      if (gradient === undefined) continue;
      const ids = idsOf(lookup, inputs);
      const paddingRow = this.#paddingRows.get(table);
      sum.addRows(table, { ids, gradients: outputOf(gradient), paddingRow });
    }
    return outputOf("loss")[0]!;
  }

  /** Frees the compiled graphs. */
  async release(): Promise<void> {
    await this.#sessions.clear();
  }

  #addRows(
    inputs: Map<string, TensorData>,
    { hoisted }: TrainingGraph,
    parameters: Parameters,
  ): void {
    for (const { table, lookup, rows } of hoisted) {
      const { shape } = lookup.rows;
      const ids = idsOf(lookup, inputs);
      const values = parameters.get(table)!.data;
      const width = sizeOf(shape) / ids.length;
      const data = this.#buffers.take(rows, sizeOf(shape), Float32Array);
      for (let i = 0; i < ids.length; i++)
        data.set(values.subarray(ids[i]! * width, (ids[i]! + 1) * width), i * width);
      inputs.set(rows, { dtype: "float32", shape, data });
    }
  }
}

/** Which rows of a table a batch looks up: an input, or numbers that the graph holds. */
function idsOf({ ids }: EmbeddingLookup, inputs: ReadonlyMap<string, TensorData>): Int32Array {
  const data = ids.op === "Constant" ? ids.attributes.data : inputs.get(nameOf(ids))!.data;
  return data as Int32Array;
}
