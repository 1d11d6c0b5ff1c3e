import type { TensorData } from "../compute/device.ts";
import { sizeOf, type TypedArray } from "../compute/graph.ts";
import { type BatchRole, dropoutKey } from "./dropout-key.ts";
import { fillDropoutMask } from "./dropout-mask.ts";
import type { DropoutSite } from "./training-graph.ts";

/** Memory for inputs, used again at each run: big arrays are dear to make and to collect. */
export class InputBuffers {
  readonly #held = new Map<string, TypedArray>();

  /** An array of this length for an input; the one of before, where it is long enough. */
  take<Elements extends Uint8Array | Float32Array>(
    name: string,
    length: number,
    Elements: { new (length: number): Elements },
  ): Elements {
    let held = this.#held.get(name) as Elements | undefined;
    if (held === undefined || held.length < length) {
      held = new Elements(length);
      this.#held.set(name, held);
    }
    return held.subarray(0, length) as Elements;
  }

  /** Adds the mask of each place that drops out. */
  addMasks(inputs: Map<string, TensorData>, sites: readonly DropoutSite[], role: BatchRole): void {
    const key = dropoutKey(role);
    for (const place of sites) {
      const { input, shape } = place;
      const data = this.take(input, sizeOf(shape), Uint8Array);
      fillDropoutMask(data, place, key);
      inputs.set(input, { dtype: "uint8", shape, data });
    }
  }
}
