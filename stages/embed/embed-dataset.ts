import type { StageContext } from "../../engine/stage.ts";
import { folderSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import { Embedder } from "../../training/embed.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { EmbeddedSplit, Embeddings } from "../artifacts/embeddings.ts";
import { modelSource, withModelErrors } from "../artifacts/model.ts";
import type { TokenSplit } from "../artifacts/tokens.ts";
import { encoderDigest } from "../encoder-digest.ts";
import { requireFit } from "../labelled-rows.ts";
import { openDevice } from "../open-device.ts";
import { rowDigest } from "../row-digest.ts";
import { requireSameTokenizer } from "../same-tokenizer.ts";
import type { EmbedInputs, EmbedParams } from "./embed.ts";
import { type RowChunk, rowChunks } from "./row-chunks.ts";

type Context = StageContext<EmbedParams, EmbedInputs>;

/**
 * The vectors of every row. Each chunk of rows is kept as a checkpoint under the name of its tokens, so that a dataset
 * with other rows computes only the chunks that are new; a chunk's bits depend on nothing but its own rows.
 */
export async function embedDataset(context: Context): Promise<{ embeddings: Embeddings }> {
  const { params, inputs, metric, log } = context;
  const tokens = await inputs.dataset.read();
  const { splits: given, tokenizer } = tokens;
  if (inputs.model) await requireSameTokenizer(inputs.model.files, tokens);
  const source = inputs.model ? modelSource(inputs.model.files) : folderSource(params.model!);
  const encoder = await withModelErrors("The model cannot embed", () =>
    loadPretrained(source, { task: "feature-extraction", seed: 0 }),
  );
  for (const [name, split] of given) requireFit(name, split, encoder.model);
  const device = await openDevice(context.device);
  const { pooling, normalize } = params;
  const { model, parameters } = encoder;
  const embedder = new Embedder({ model, parameters, device, pooling, normalize });
  const chunks = new Chunks(context, embedder, given);
  const splits = new Map<string, EmbeddedSplit>();
  try {
    for (const name of given.keys()) splits.set(name, await chunks.embed(name));
  } finally {
    await chunks.release();
  }
  const width = model.hiddenSize;
  log(`${chunks.told}; vectors of ${width} numbers`);
  metric("rows", chunks.rows);
  const { max_length } = tokens.facts;
  const facts = { max_length, width, pooling, normalize, encoder: encoderDigest(encoder) };
  return { embeddings: { splits, facts, tokenizer } };
}

/** The chunks of all splits, computed or taken from what earlier runs kept. */
class Chunks {
  readonly rows: number;
  readonly #context: Context;
  readonly #embedder: Embedder;
  readonly #splits: ReadonlyMap<string, TokenSplit>;
  readonly #kept: Set<string>;
  #done = 0;
  #computed = 0;

  constructor(context: Context, embedder: Embedder, splits: ReadonlyMap<string, TokenSplit>) {
    this.#context = context;
    this.#embedder = embedder;
    this.#splits = splits;
    this.#kept = new Set(context.checkpoints.names);
    this.rows = [...splits.values()].reduce((sum, { rows }) => sum + rows.length, 0);
  }

  get told(): string {
    return `${this.#computed} of ${this.rows} rows computed, the others known`;
  }

  async embed(name: string): Promise<EmbeddedSplit> {
    const split = this.#splits.get(name)!;
    const dataset = datasetOf(split);
    const pieces: Float32Array[] = [];
    for (const chunk of rowChunks(dataset)) {
      this.#context.signal.throwIfAborted();
      pieces.push((await this.#read(chunk)) ?? (await this.#compute(chunk, dataset)));
      this.#done += chunk.end - chunk.begin;
      this.#context.progress({ done: this.#done, total: this.rows, unit: "rows" });
    }
    const rows = dataset.rowIds.map((id, row) => ({ id, tokens: rowDigest(dataset, row) }));
    return { rows, vectors: joined(pieces) };
  }

  async release(): Promise<void> {
    await this.#embedder.release();
  }

  async #read({ name }: RowChunk): Promise<Float32Array | undefined> {
    if (!this.#kept.has(name)) return undefined;
    const files = await this.#context.checkpoints.read(name);
    const bytes = "problem" in files ? undefined : files.get("vectors.f32");
    return bytes && new Float32Array(new Uint8Array(bytes).buffer);
  }

  async #compute({ begin, end, name }: RowChunk, dataset: TokenDataset): Promise<Float32Array> {
    const rows = Array.from({ length: end - begin }, (_, i) => begin + i);
    const vectors = await this.#embedder.embed(dataset, rows);
    this.#computed += rows.length;
    const bytes = new Uint8Array(vectors.buffer);
    const failure = await this.#context.checkpoints.write(name, new Map([["vectors.f32", bytes]]));
    if (failure) this.#context.log(`vectors could not be kept for later runs: ${failure.problem}`);
    return vectors;
  }
}

function datasetOf(split: TokenSplit): TokenDataset {
  return {
    ids: split.inputIds,
    offsets: split.offsets,
    ...(split.tokenTypeIds && { typeIds: split.tokenTypeIds }),
    labels: new Int32Array(split.rows.length),
    rowIds: split.rows.map(({ id }) => id),
  };
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
