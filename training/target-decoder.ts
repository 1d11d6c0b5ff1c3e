import type { TensorData } from "../compute/device.ts";
import { graphOf, input } from "../compute/graph.ts";
import { batchInputs } from "../models/batch-inputs.ts";
import { noDropout } from "../models/layers.ts";
import type { Model, TokenBatch } from "../models/model.ts";
import {
  type Decoder,
  DecoderGraphs,
  type DecoderOptions,
  int32,
  namedKeyValues,
  parameterInputs,
  pastInputs,
  requireTokens,
} from "./decoder.ts";
import { KeyValues } from "./key-values.ts";
import { paddedLength } from "./padded-length.ts";

/** A source as the decoder's layers see it, and its padding. */
interface Source {
  readonly length: number;
  readonly mask: Int32Array;
  /** `key.0`, `value.0`, …: each [1, h, T, d]. */
  readonly cross: ReadonlyMap<string, Float32Array>;
}

/** A sequence-to-sequence model, whose prompt is the source: the encoder reads it once. */
export class TargetDecoder implements Decoder {
  readonly #options: DecoderOptions;
  readonly #graphs: DecoderGraphs;
  #source: Source | undefined;
  #past: KeyValues | undefined;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#graphs = new DecoderGraphs(options);
  }

  roomAfter(source: readonly number[]): number {
    requireTokens(source);
    return this.#options.model.maxLength;
  }

  before(): readonly number[] {
    return [this.#options.model.decoderStartTokenId!];
  }

  async start(source: readonly number[]): Promise<Float32Array> {
    const { model } = this.#options;
    const length = paddedLength(source.length, model.maxLength);
    const padded = new Int32Array(length).fill(model.padTokenId);
    padded.set(source);
    const mask = new Int32Array(length).fill(1, 0, source.length);
    const { logits, made } = await this.#graphs.run(
      `source ${length}`,
      () => sourceGraph(model, length),
      [
        ["input_ids", int32([1, length], padded)],
        ["attention_mask", int32([1, length], mask)],
        ["decoder_input_ids", int32([1, 1], Int32Array.from(this.before()))],
      ],
    );
    const own = [...made].filter(([name]) => !name.startsWith(CROSS));
    const cross = [...made].filter(([name]) => name.startsWith(CROSS));
    this.#source = { length, mask, cross: new Map(cross) };
    this.#past = new KeyValues(new Map(own), { ...model.keyValueSizes!, length: 1, slots: 1 });
    return logits;
  }

  async advance(tokens: readonly number[], from: readonly number[]): Promise<Float32Array> {
    const [past, source] = [this.#past!, this.#source!];
    past.arrange(from);
    const { model } = this.#options;
    const texts = tokens.length;
    const sizes = { texts, slots: past.slots, length: source.length };
    const { logits, made } = await this.#graphs.run(
      JSON.stringify(sizes),
      () => stepGraph(model, sizes),
      [
        ...sourceTensors(source, model, texts),
        ["decoder_input_ids", int32([texts, 1], Int32Array.from(tokens))],
        ["position_ids", int32([texts, 1], new Int32Array(texts).fill(past.length))],
        ...past.tensors(),
      ],
    );
    past.add(made);
    return logits;
  }

  release(): Promise<void> {
    return this.#graphs.release();
  }
}

const CROSS = "cross.";

function sourceGraph(model: Model, length: number) {
  const batch = batchInputs(model, { rows: 1, length, targetLength: 1 });
  const found = model.compute(parameterInputs(model), batch, noDropout);
  const cross = Object.entries(namedKeyValues(found.crossKeyValues!)).map(
    ([name, value]) => [CROSS + name, value] as const,
  );
  return graphOf({
    logits: found.logits,
    ...namedKeyValues(found.keyValues),
    ...Object.fromEntries(cross),
  });
}

/** The source once for each text. */
function sourceTensors(
  { length, mask, cross }: Source,
  { keyValueSizes }: Model,
  texts: number,
): readonly (readonly [string, TensorData])[] {
  const { heads, width } = keyValueSizes!;
  const masks = new Int32Array(texts * length);
  for (let text = 0; text < texts; text++) masks.set(mask, text * length);
  const known = [...cross].map(([name, own]) => {
    const data = new Float32Array(texts * own.length);
    for (let text = 0; text < texts; text++) data.set(own, text * own.length);
    return [name, { dtype: "float32", shape: [texts, heads, length, width], data }] as const;
  });
  return [["attention_mask", int32([texts, length], masks)], ...known];
}

function stepGraph(
  model: Model,
  { texts, slots, length }: { texts: number; slots: number; length: number },
) {
  const { layers, heads, width } = model.keyValueSizes!;
  const known = (name: string) => input(CROSS + name, [texts, heads, length, width]);
  const { inputIds, attentionMask } = batchInputs(model, { rows: texts, length });
  const batch: TokenBatch = {
    inputIds, // not read: what the encoder made of them is known
    attentionMask,
    decoder: {
      inputIds: input("decoder_input_ids", [texts, 1], "int32"),
      positionIds: input("position_ids", [texts, 1], "int32"),
      past: pastInputs(model, { texts, slots }),
      cross: Array.from({ length: layers }, (_, i) => ({
        key: known(`key.${i}`),
        value: known(`value.${i}`),
      })),
    },
  };
  const { logits, keyValues } = model.compute(parameterInputs(model), batch, noDropout);
  return graphOf({ logits, ...namedKeyValues(keyValues) });
}
