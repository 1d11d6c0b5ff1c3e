import type { Tensors } from "../../compute/device.ts";
import { newArray, sizeOf } from "../../compute/graph.ts";
import type { CaseInput } from "./operation-cases.ts";

/** Tensors for the inputs of a case, the floats drawn by a seeded generator. */
export function drawTensors(inputs: Readonly<Record<string, CaseInput>>, seed = 1): Tensors {
  const random = generator(seed);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      const { shape, dtype = "float32", range: [from, to] = [-2, 2], values } = input;
      const data = newArray(dtype, sizeOf(shape));
      for (let i = 0; i < data.length; i++) {
        const element = values?.[i] ?? from + (to - from) * random();
        data[i] = (dtype === "int64" ? BigInt(element) : element) as never;
      }
      return [name, { dtype, shape, data }];
    }),
  );
}

/** Uniform numbers in [0, 1). https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
