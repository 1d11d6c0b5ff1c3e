import type { Device, TensorData } from "../compute/device.ts";
import { type Graph, graphOf, input, type Value } from "../compute/graph.ts";
import { batchInputs } from "../models/batch-inputs.ts";
import { noDropout } from "../models/layers.ts";
import type { KeyValue, Model, Past } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import { KeyValues } from "./key-values.ts";
import { ModelGraphs } from "./model-graphs.ts";
import { paddedLength } from "./padded-length.ts";
import { TrainingError } from "./training-error.ts";

/** A model that writes, on a device. */
export interface DecoderOptions {
  readonly model: Model;
  readonly parameters: Parameters;
  readonly device: Device;
}

/**
 * A model that writes one token after the other and keeps the keys and values of those before. It holds one or more
 * texts of the same length, all begun by the same prompt; one prompt comes after another.
 */
export interface Decoder {
  /** How many tokens may follow the prompt; a TrainingError where that is none. */
  roomAfter(prompt: readonly number[]): number;
  /** The tokens that count as written before: the prompt, or what a target begins with. */
  before(prompt: readonly number[]): readonly number[];
  /** Reads a prompt; the logits [V] of what follows it. */
  start(prompt: readonly number[]): Promise<Float32Array>;
  /** Goes on: text i becomes text `from[i]` with `tokens[i]` after it. The logits [texts, V] of what follows. */
  advance(tokens: readonly number[], from: readonly number[]): Promise<Float32Array>;
  /** Frees the compiled graphs. */
  release(): Promise<void>;
}

/** Compiled graphs to keep: for each length of prompt, and each number of texts and slots. */
const SESSIONS = 24;

/** A language model, which goes on with its prompt. */
export class LanguageModelDecoder implements Decoder {
  readonly #options: DecoderOptions;
  readonly #graphs: DecoderGraphs;
  #past: KeyValues | undefined;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#graphs = new DecoderGraphs(options);
  }

  roomAfter(prompt: readonly number[]): number {
    requireTokens(prompt);
    const { maxLength } = this.#options.model;
    if (prompt.length < maxLength) return maxLength - prompt.length;
    throw new TrainingError(
      "prompt-too-long",
      `The prompt has ${prompt.length} tokens; the model holds ${maxLength}, and needs one to go on.`,
    );
  }

  before(prompt: readonly number[]): readonly number[] {
    return prompt;
  }

  async start(prompt: readonly number[]): Promise<Float32Array> {
    const { model } = this.#options;
    const length = paddedLength(prompt.length, model.maxLength);
    const padded = new Int32Array(length).fill(model.padTokenId);
    padded.set(prompt);
    const mask = new Int32Array(length).fill(1, 0, prompt.length);
    const { logits, made } = await this.#graphs.run(
      `prompt ${length}`,
      () => promptGraph(model, length),
      [
        ["input_ids", int32([1, length], padded)],
        ["attention_mask", int32([1, length], mask)],
        ["logits_at", int32([1], Int32Array.of(prompt.length - 1))],
      ],
    );
    const sizes = model.keyValueSizes!;
    this.#past = new KeyValues(made, { ...sizes, length: prompt.length, slots: length });
    return logits;
  }

  async advance(tokens: readonly number[], from: readonly number[]): Promise<Float32Array> {
    const past = this.#past!;
    past.arrange(from);
    const { model } = this.#options;
    const sizes = { texts: tokens.length, slots: past.slots };
    const shape = [tokens.length, 1];
    const { logits, made } = await this.#graphs.run(
      JSON.stringify(sizes),
      () => stepGraph(model, sizes),
      [
        ["input_ids", int32(shape, Int32Array.from(tokens))],
        ["attention_mask", int32(shape, new Int32Array(tokens.length).fill(1))],
        ["position_ids", int32(shape, new Int32Array(tokens.length).fill(past.length))],
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

/** The compiled graphs of a decoder, by what tells them apart. */
export class DecoderGraphs {
  readonly #graphs: ModelGraphs;

  constructor(options: DecoderOptions) {
    this.#graphs = new ModelGraphs(options, { sessions: SESSIONS });
  }

  /** Runs a graph: its `logits`, and whatever else it makes by name. */
  async run(
    key: string,
    graph: () => Graph,
    inputs: readonly (readonly [string, TensorData])[],
  ): Promise<{ logits: Float32Array; made: ReadonlyMap<string, Float32Array> }> {
    const { logits, ...made } = await this.#graphs.run(key, graph, inputs);
    return {
      logits: logits!.data as Float32Array,
      made: new Map(Object.entries(made).map(([name, { data }]) => [name, data as Float32Array])),
    };
  }

  async release(): Promise<void> {
    await this.#graphs.release();
  }
}

/** A TrainingError for a prompt without tokens. */
export function requireTokens(prompt: readonly number[]): void {
  if (prompt.length === 0) throw new TrainingError("prompt-empty", "The prompt has no tokens.");
}

/** A tensor of whole numbers. */
export function int32(shape: readonly number[], data: Int32Array): TensorData {
  return { dtype: "int32", shape, data };
}

function promptGraph(model: Model, length: number) {
  const batch = batchInputs(model, { rows: 1, length, logitsAt: 1 });
  const { logits, keyValues } = model.compute(parameterInputs(model), batch, noDropout);
  return graphOf({ logits, ...namedKeyValues(keyValues) });
}

function stepGraph(model: Model, { texts, slots }: { texts: number; slots: number }) {
  const batch = {
    ...batchInputs(model, { rows: texts, length: 1 }),
    positionIds: input("position_ids", [texts, 1], "int32"),
    past: pastInputs(model, { texts, slots }),
  };
  const { logits, keyValues } = model.compute(parameterInputs(model), batch, noDropout);
  return graphOf({ logits, ...namedKeyValues(keyValues) });
}

/** The inputs that KeyValues.tensors fills. */
export function pastInputs(
  { keyValueSizes }: Model,
  { texts, slots }: { texts: number; slots: number },
): Past {
  const { layers, heads, width } = keyValueSizes!;
  const held = (name: string) => input(name, [texts, heads, slots, width]);
  return {
    mask: input("past_mask", [texts, slots], "int32"),
    layers: Array.from({ length: layers }, (_, i) => ({
      key: held(`past.key.${i}`),
      value: held(`past.value.${i}`),
    })),
  };
}

/** A model's parameters as inputs of their names. */
export function parameterInputs({ parameters }: Model): ReadonlyMap<string, Value> {
  return new Map(parameters.map(({ name, shape }) => [name, input(name, shape)]));
}

/** Keys and values as outputs `key.0`, `value.0`, … */
export function namedKeyValues(keyValues: readonly KeyValue[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    keyValues.flatMap(({ key, value }, i) => [
      [`key.${i}`, key],
      [`value.${i}`, value],
    ]),
  );
}
