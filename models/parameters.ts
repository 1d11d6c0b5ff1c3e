import type { TensorData } from "../compute/device.ts";
import { type Shape, sizeOf } from "../compute/graph.ts";
import { fillNormal, streamKey } from "./counter-hash.ts";

/** A tensor of weights in memory. */
export interface Parameter extends TensorData {
  readonly dtype: "float32";
  readonly data: Float32Array;
}

/** A model's weights by their names in the checkpoint. */
export type Parameters = ReadonlyMap<string, Parameter>;

/** What a model says about one of its parameters before any value is known. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** The values that training from scratch starts with. */
  readonly initial: "zeros" | "ones" | { readonly standardDeviation: number };
  /** Whether weight decay applies: not to biases and norms, as in transformers' Trainer. */
  readonly decays: boolean;
  /** The row of an embedding table that starts as zeros and never gets a gradient. */
  readonly paddingRow?: number;
  /** Whether a checkpoint may lack it, as those of another task do: it is then initialised anew. */
  readonly optional?: boolean;
  /** Whether its first axis counts labels: kept for the same labels only, and reordered with them. */
  readonly perLabel?: boolean;
  /** Whether training leaves it as it is. */
  readonly frozen?: boolean;
}

/** These parameters as a head's, which the checkpoint of another task lacks. */
export function ofHead(
  specs: readonly ParameterSpec[],
  { perLabel = false }: { perLabel?: boolean } = {},
): ParameterSpec[] {
  return specs.map((spec) => ({ ...spec, optional: true, ...(perLabel && { perLabel }) }));
}

/** A parameter of the given values. */
export function parameter(shape: Shape, data: Float32Array): Parameter {
  if (data.length !== sizeOf(shape))
    throw new RangeError(`internal: ${data.length} values for shape [${shape}].`);
  return { dtype: "float32", shape, data };
}

/** The start values of one parameter: a function of the seed and the parameter's name alone. */
export function initParameter(spec: ParameterSpec, seed: number): Parameter {
  const data = new Float32Array(sizeOf(spec.shape));
  if (spec.initial === "ones") data.fill(1);
  else if (spec.initial !== "zeros") {
    fillNormal(data, spec.initial.standardDeviation, streamKey(seed, "init", spec.name));
    if (spec.paddingRow !== undefined) {
      const width = sizeOf(spec.shape.slice(1));
      data.fill(0, spec.paddingRow * width, (spec.paddingRow + 1) * width);
    }
  }
  return parameter(spec.shape, data);
}

/** Start values for a whole model. */
export function initParameters(specs: readonly ParameterSpec[], seed: number): Parameters {
  return new Map(specs.map((spec) => [spec.name, initParameter(spec, seed)]));
}
