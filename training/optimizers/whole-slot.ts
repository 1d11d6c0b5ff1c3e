import { type Shape, sizeOf } from "../../compute/graph.ts";
import type { RawTensor } from "../../models/safetensors.ts";
import { floatsOf, integersOf } from "../tensor-bytes.ts";

/**
 * An optimizer's memory of a whole parameter, in memory of its own, from a state that may hold some rows of a table
 * (listed in `rows.<name>`): the others are zeros. Undefined where the state has none; a TrainingError where it does not fit.
 */
export function wholeSlot(
  state: ReadonlyMap<string, RawTensor>,
  key: string,
  { name, shape }: { readonly name: string; readonly shape: Shape },
): Float32Array | undefined {
  const tensor = state.get(key);
  if (tensor === undefined) return undefined;
  const listed = state.get(`rows.${name}`);
  if (listed === undefined) return floatsOf(tensor, key, sizeOf(shape));
  const rows = integersOf(listed, `rows.${name}`);
  const width = sizeOf(shape.slice(1));
  const values = floatsOf(tensor, key, rows.length * width);
  const whole = new Float32Array(sizeOf(shape));
  for (const [at, row] of rows.entries())
    whole.set(values.subarray(at * width, (at + 1) * width), row * width);
  return whole;
}
