import type { TensorData } from "../compute/device.ts";
import { sizeOf, type TypedArray } from "../compute/graph.ts";
import { streamKey } from "../models/counter-hash.ts";
import { fillDropoutMask } from "./dropout-mask.ts";
import type { DropoutSite } from "./training-graph.ts";

/** Where the random numbers of a batch come from. */
export interface BatchRole {
  readonly seed: number;
  /** The number of the step, from 0. */
  readonly step: number;
  /** The number of the batch in its step, from 0. */
  readonly part: number;
}

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
  addMasks(
    inputs: Map<string, TensorData>,
    sites: readonly DropoutSite[],
    { seed, step, part }: BatchRole,
  ): void {
    for (const { site, input, shape, p } of sites) {
      const data = this.take(input, sizeOf(shape), Uint8Array);
      fillDropoutMask(data, p, streamKey(seed, "dropout", step, part, site));
      inputs.set(input, { dtype: "uint8", shape, data });
    }
  }
}
