import type { Device, Executable, TensorData } from "../compute/device.ts";
import { graphOf, input, type Value } from "../compute/graph.ts";
import { SessionCache } from "../compute/session-cache.ts";
import { batchInputs } from "../models/batch-inputs.ts";
import { noDropout } from "../models/layers.ts";
import type { KeyValue, Model } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import { paddedLength } from "./batches.ts";

/** A language model on a device. */
export interface DecoderOptions {
  readonly model: Model;
  readonly parameters: Parameters;
  readonly device: Device;
}

/**
 * A language model that reads one token after the other and keeps the keys and values of those before. It holds one
 * or more texts of the same length, all begun by the same prompt.
 */
export class Decoder {
  readonly #options: DecoderOptions;
  readonly #sessions = new SessionCache(4);
  /** `key.0`, `value.0`, …: each [texts, h, slots, d]. */
  #past = new Map<string, Float32Array>();
  #texts = 1;
  #slots = 0;
  #length = 0;

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  /** Reads a prompt, at least one token; the logits [V] of what follows it. */
  async start(prompt: readonly number[]): Promise<Float32Array> {
    const { model } = this.#options;
    const length = paddedLength(prompt.length, model.maxLength);
    const executable = await this.#executable(`prompt ${length}`, () => promptGraph(model, length));
    const padded = new Int32Array(length).fill(model.padTokenId);
    padded.set(prompt);
    const mask = new Int32Array(length).fill(1, 0, prompt.length);
    const { logits, ...made } = await executable.run(
      this.#inputs([
        ["input_ids", int32([1, length], padded)],
        ["attention_mask", int32([1, length], mask)],
        ["logits_at", int32([1], Int32Array.of(prompt.length - 1))],
      ]),
    );
    [this.#texts, this.#slots, this.#length] = [1, length, prompt.length];
    this.#past = new Map(
      Object.entries(made).map(([name, { data }]) => [name, data as Float32Array]),
    );
    return logits!.data as Float32Array;
  }

  /** Goes on: text i becomes text `from[i]` with `tokens[i]` after it. The logits [texts, V] of what follows. */
  async advance(tokens: readonly number[], from: readonly number[]): Promise<Float32Array> {
    this.#arrange(from);
    const { model } = this.#options;
    const texts = tokens.length;
    const sizes = { texts, slots: this.#slots };
    const executable = await this.#executable(JSON.stringify(sizes), () => stepGraph(model, sizes));
    const filled = new Int32Array(texts * this.#slots);
    for (let text = 0; text < texts; text++)
      filled.fill(1, text * this.#slots, text * this.#slots + this.#length);
    const shape = this.#pastShape();
    const past = [...this.#past].map(
      ([name, data]) => [`past.${name}`, { dtype: "float32", shape, data }] as const,
    );
    const { logits, ...made } = await executable.run(
      this.#inputs([
        ["input_ids", int32([texts, 1], Int32Array.from(tokens))],
        ["attention_mask", int32([texts, 1], new Int32Array(texts).fill(1))],
        ["position_ids", int32([texts, 1], new Int32Array(texts).fill(this.#length))],
        ["past_mask", int32([texts, this.#slots], filled)],
        ...past,
      ]),
    );
    for (const [name, { data }] of Object.entries(made)) this.#store(name, data as Float32Array);
    this.#length++;
    return logits!.data as Float32Array;
  }

  /** Frees the compiled graphs. */
  async release(): Promise<void> {
    await this.#sessions.clear();
  }

  /** Puts the texts in the order of `from`, with room for one token more. */
  #arrange(from: readonly number[]): void {
    const isSame = from.length === this.#texts && from.every((text, at) => text === at);
    if (isSame && this.#length < this.#slots) return;
    const { heads, width } = this.#options.model.keyValueSizes!;
    const slots = this.#length < this.#slots ? this.#slots : 2 * this.#slots;
    for (const [name, data] of this.#past) {
      const arranged = new Float32Array(from.length * heads * slots * width);
      for (const [to, text] of from.entries())
        for (let head = 0; head < heads; head++) {
          const begin = (text * heads + head) * this.#slots * width;
          const own = data.subarray(begin, begin + this.#length * width);
          arranged.set(own, (to * heads + head) * slots * width);
        }
      this.#past.set(name, arranged);
    }
    [this.#texts, this.#slots] = [from.length, slots];
  }

  /** Keys or values [texts, h, 1, d] of the newest token go to its slot. */
  #store(name: string, made: Float32Array): void {
    const { width } = this.#options.model.keyValueSizes!;
    const held = this.#past.get(name)!;
    for (let row = 0; row * width < made.length; row++) {
      const own = made.subarray(row * width, (row + 1) * width);
      held.set(own, (row * this.#slots + this.#length) * width);
    }
  }

  #pastShape(): readonly number[] {
    const { heads, width } = this.#options.model.keyValueSizes!;
    return [this.#texts, heads, this.#slots, width];
  }

  #inputs(own: readonly (readonly [string, TensorData])[]): ReadonlyMap<string, TensorData> {
    return new Map<string, TensorData>([...this.#options.parameters, ...own]);
  }

  #executable(key: string, graph: () => ReturnType<typeof graphOf>): Promise<Executable> {
    return this.#sessions.get(key, () => this.#options.device.compile(graph()));
  }
}

function int32(shape: readonly number[], data: Int32Array): TensorData {
  return { dtype: "int32", shape, data };
}

function promptGraph(model: Model, length: number) {
  const batch = batchInputs(model, { rows: 1, length, logitsAt: 1 });
  const { logits, keyValues } = model.compute(parameterInputs(model), batch, noDropout);
  return graphOf({ logits, ...named(keyValues) });
}

function stepGraph(model: Model, { texts, slots }: { texts: number; slots: number }) {
  const { layers, heads, width } = model.keyValueSizes!;
  const held = (name: string) => input(name, [texts, heads, slots, width]);
  const batch = {
    ...batchInputs(model, { rows: texts, length: 1 }),
    positionIds: input("position_ids", [texts, 1], "int32"),
    past: {
      mask: input("past_mask", [texts, slots], "int32"),
      layers: Array.from({ length: layers }, (_, i) => ({
        key: held(`past.key.${i}`),
        value: held(`past.value.${i}`),
      })),
    },
  };
  const { logits, keyValues } = model.compute(parameterInputs(model), batch, noDropout);
  return graphOf({ logits, ...named(keyValues) });
}

function parameterInputs({ parameters }: Model): ReadonlyMap<string, Value> {
  return new Map(parameters.map(({ name, shape }) => [name, input(name, shape)]));
}

function named(keyValues: readonly KeyValue[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    keyValues.flatMap(({ key, value }, i) => [
      [`key.${i}`, key],
      [`value.${i}`, value],
    ]),
  );
}
