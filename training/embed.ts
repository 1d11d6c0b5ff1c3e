import type { Device } from "../compute/device.ts";
import { graphOf, input } from "../compute/graph.ts";
import { type BatchSizes, batchInputs } from "../models/batch-inputs.ts";
import { noDropout } from "../models/layers.ts";
import type { Model } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import { normalized, pool } from "../models/pooling.ts";
import type { Pooling } from "../models/poolings.ts";
import { batchTensors, padBatch } from "./batches.ts";
import { ModelGraphs } from "./model-graphs.ts";
import { rowLength, type TokenDataset } from "./token-dataset.ts";

/** How a row becomes a vector. */
export interface VectorKind {
  readonly pooling: Pooling;
  /** Whether vectors have the length 1. */
  readonly normalize: boolean;
}

/** What vectors are made with. */
export interface EmbedderOptions extends VectorKind {
  /** For feature-extraction. */
  readonly model: Model;
  readonly parameters: Parameters;
  readonly device: Device;
}

/** Rows of a batch: always so many, so that a row's bits depend on its batch alone. */
const BATCH_ROWS = 32;
const SESSIONS = 32;

/** Turns rows into vectors with an encoder. */
export class Embedder {
  readonly #options: EmbedderOptions;
  readonly #graphs: ModelGraphs;

  constructor(options: EmbedderOptions) {
    this.#options = options;
    this.#graphs = new ModelGraphs(options, { sessions: SESSIONS });
  }

  /**
   * The vectors of these rows, in their order: [rows, C]. Their bits depend on nothing but the rows that are given
   * together; they differ from those in other company by rounding.
   */
  async embed(dataset: TokenDataset, rowNumbers: readonly number[]): Promise<Float32Array> {
    const { model } = this.#options;
    const { maxLength, padTokenId, hiddenSize: width } = model;
    const vectors = new Float32Array(rowNumbers.length * width);
    const lengthAt = (place: number) => rowLength(dataset, rowNumbers[place]!);
    const places = [...rowNumbers.keys()].sort((a, b) => lengthAt(b) - lengthAt(a) || a - b);
    for (let begin = 0; begin < places.length; begin += BATCH_ROWS) {
      const own = places.slice(begin, begin + BATCH_ROWS);
      const rows = own.map((place) => rowNumbers[place]!);
      const batch = padBatch(dataset, rows, { rows: BATCH_ROWS, maxLength, padTokenId });
      const sizes = { rows: BATCH_ROWS, length: batch.length };
      const { vectors: made } = await this.#graphs.run(
        `${batch.length}`,
        () => vectorGraph(model, sizes, this.#options),
        batchTensors(batch),
      );
      const found = made!.data as Float32Array;
      for (const [at, place] of own.entries())
        vectors.set(found.subarray(at * width, (at + 1) * width), place * width);
    }
    return vectors;
  }

  /** Frees the compiled graphs. */
  async release(): Promise<void> {
    await this.#graphs.release();
  }
}

/** The graph from a batch of a shape to its `vectors` [rows, C]; the parameters are inputs by their names. */
export function vectorGraph(model: Model, sizes: BatchSizes, { pooling, normalize }: VectorKind) {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const batch = batchInputs(model, sizes);
  const { lastHiddenState } = model.compute(params, batch, noDropout);
  const vectors = pool(lastHiddenState, batch.attentionMask, pooling);
  return graphOf({ vectors: normalize ? normalized(vectors) : vectors });
}
