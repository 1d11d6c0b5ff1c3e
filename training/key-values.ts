import type { TensorData } from "../compute/device.ts";

/** The sizes of a decoder's keys and values. */
export interface KeyValueSizes {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
}

/**
 * The keys and values of the tokens that a decoder has read: `key.0`, `value.0`, …, each [texts, h, slots, d] on the
 * host. All texts have the same length.
 */
export class KeyValues {
  readonly #sizes: KeyValueSizes;
  #held: ReadonlyMap<string, Float32Array>;
  #texts = 1;
  #slots: number;
  #length: number;

  /** Of one text of `length` tokens in `slots` slots, as a graph made them. */
  constructor(
    made: ReadonlyMap<string, Float32Array>,
    { length, slots, ...sizes }: KeyValueSizes & { length: number; slots: number },
  ) {
    this.#held = made;
    this.#sizes = sizes;
    [this.#slots, this.#length] = [slots, length];
  }

  get texts(): number {
    return this.#texts;
  }

  get slots(): number {
    return this.#slots;
  }

  /** Tokens of each text. */
  get length(): number {
    return this.#length;
  }

  /** Puts the texts in the order of `from`, with room for one token more. */
  arrange(from: readonly number[]): void {
    const isSame = from.length === this.#texts && from.every((text, at) => text === at);
    if (isSame && this.#length < this.#slots) return;
    const slots = this.#length < this.#slots ? this.#slots : Math.max(16, 2 * this.#slots);
    this.#held = new Map(
      [...this.#held].map(([name, data]) => [name, this.#arranged(data, from, slots)]),
    );
    [this.#texts, this.#slots] = [from.length, slots];
  }

  /** Takes keys and values [texts, h, 1, d] of one more token of each text. */
  add(made: ReadonlyMap<string, Float32Array>): void {
    const { width } = this.#sizes;
    for (const [name, data] of made) {
      const held = this.#held.get(name)!;
      for (let row = 0; row * width < data.length; row++) {
        const own = data.subarray(row * width, (row + 1) * width);
        held.set(own, (row * this.#slots + this.#length) * width);
      }
    }
    this.#length++;
  }

  /** `past_mask`, `past.key.0`, … as graphs of one token more read them. */
  tensors(): readonly (readonly [string, TensorData])[] {
    const { heads, width } = this.#sizes;
    const shape = [this.#texts, heads, this.#slots, width];
    const mask = new Int32Array(this.#texts * this.#slots);
    for (let text = 0; text < this.#texts; text++)
      mask.fill(1, text * this.#slots, text * this.#slots + this.#length);
    const past = [...this.#held].map(
      ([name, data]) => [`past.${name}`, { dtype: "float32", shape, data }] as const,
    );
    return [
      ["past_mask", { dtype: "int32", shape: [this.#texts, this.#slots], data: mask }],
      ...past,
    ];
  }

  #arranged(data: Float32Array, from: readonly number[], slots: number): Float32Array {
    const { heads, width } = this.#sizes;
    const arranged = new Float32Array(from.length * heads * slots * width);
    for (const [to, text] of from.entries())
      for (let head = 0; head < heads; head++) {
        const begin = (text * heads + head) * this.#slots * width;
        const own = data.subarray(begin, begin + this.#length * width);
        arranged.set(own, (to * heads + head) * slots * width);
      }
    return arranged;
  }
}
