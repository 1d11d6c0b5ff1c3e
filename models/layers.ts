import type { Value } from "../compute/graph.ts";
import {
  dropout,
  gather,
  gelu,
  gemm,
  layerNorm,
  linear,
  relu,
  reshape,
  rmsNorm,
  silu,
} from "../compute/ops.ts";
import type { ParameterSpec } from "./parameters.ts";

/** A model's parameters as graph values, by their names in the checkpoint. */
export type ParameterValues = ReadonlyMap<string, Value>;

/**
 * Gives the mask (uint8 or bool, 0 drops) for a place where a model drops out, or undefined where nothing
 * is dropped: in evaluation, or with p = 0. `site` names the place, unique in a model.
 */
export type DropoutMasks = (site: string, shape: readonly number[], p: number) => Value | undefined;

/** No dropout: for evaluation. */
export const noDropout: DropoutMasks = () => undefined;

/** Drops out at a place, where masks are given for it. */
export function drop(
  x: Value,
  dropoutMasks: DropoutMasks,
  { site, p }: { site: string; p: number },
): Value {
  const mask = dropoutMasks(site, x.shape, p);
  return mask === undefined ? x : dropout(x, mask, p);
}

/** The activations of feed-forward networks, by transformers' names. */
export const activations = {
  gelu: (x: Value) => gelu(x, "erf"),
  gelu_new: (x: Value) => gelu(x, "tanh"),
  gelu_pytorch_tanh: (x: Value) => gelu(x, "tanh"),
  relu,
  silu,
} as const;

/** The activation of this name. */
export function activate(x: Value, name: keyof typeof activations): Value {
  return activations[name](x);
}

/** The rows of x [B, T, C] with these numbers, int [N], as [N, C]; x itself where there are none. */
export function rowsAt(x: Value, numbers: Value | undefined): Value {
  const width = x.shape.at(-1)!;
  return numbers === undefined ? x : gather(reshape(x, [-1, width]), numbers);
}

/** The value of a parameter; a bug where the model has none of this name. */
export function parameterValue(params: ParameterValues, name: string): Value {
  const value = params.get(name);
  if (value === undefined) throw new Error(`internal: no parameter "${name}".`);
  return value;
}

/** torch.nn.Linear: x [..., in] -> [..., out]; with a bias where the model has one. */
export function applyLinear(x: Value, params: ParameterValues, prefix: string): Value {
  return linear(x, parameterValue(params, `${prefix}.weight`), params.get(`${prefix}.bias`));
}

/** transformers' Conv1D, a linear layer whose weight is stored [in, out]: x [..., in] -> [..., out]. */
export function applyConv1d(x: Value, params: ParameterValues, prefix: string): Value {
  const weight = parameterValue(params, `${prefix}.weight`);
  const rows = reshape(x, [-1, weight.shape[0]!]);
  const y = gemm(rows, weight, { c: parameterValue(params, `${prefix}.bias`) });
  return reshape(y, [...x.shape.slice(0, -1), weight.shape[1]!]);
}

/** T5's and Llama's norm over the last axis. */
export function applyRmsNorm(
  x: Value,
  params: ParameterValues,
  { prefix, eps }: { prefix: string; eps: number },
): Value {
  return rmsNorm(x, parameterValue(params, `${prefix}.weight`), eps);
}

/** torch.nn.LayerNorm over the last axis. */
export function applyLayerNorm(
  x: Value,
  params: ParameterValues,
  { prefix, eps }: { prefix: string; eps: number },
): Value {
  return layerNorm(
    x,
    parameterValue(params, `${prefix}.weight`),
    parameterValue(params, `${prefix}.bias`),
    eps,
  );
}

/** torch.nn.Embedding: ids [...] -> [..., width]. */
export function applyEmbedding(ids: Value, params: ParameterValues, prefix: string): Value {
  return gather(parameterValue(params, `${prefix}.weight`), ids);
}

/** The parameters of a torch.nn.Linear. */
export function linearSpecs(
  prefix: string,
  [width, columns]: readonly [inputs: number, outputs: number],
  standardDeviation: number,
): ParameterSpec[] {
  return [
    weightSpec(prefix, [columns, width], standardDeviation),
    { name: `${prefix}.bias`, shape: [columns], initial: "zeros", decays: false },
  ];
}

/** The parameters of transformers' Conv1D. */
export function conv1dSpecs(
  prefix: string,
  [width, columns]: readonly [inputs: number, outputs: number],
  standardDeviation: number,
): ParameterSpec[] {
  return [
    weightSpec(prefix, [width, columns], standardDeviation),
    { name: `${prefix}.bias`, shape: [columns], initial: "zeros", decays: false },
  ];
}

/** A table or a matrix of weights alone: an embedding, a linear layer without a bias. */
export function weightSpec(
  prefix: string,
  shape: readonly [rows: number, columns: number],
  standardDeviation: number,
): ParameterSpec {
  return { name: `${prefix}.weight`, shape, initial: { standardDeviation }, decays: true };
}

/** The parameters of a torch.nn.LayerNorm. */
export function layerNormSpecs(prefix: string, width: number): ParameterSpec[] {
  return [
    { name: `${prefix}.weight`, shape: [width], initial: "ones", decays: false },
    { name: `${prefix}.bias`, shape: [width], initial: "zeros", decays: false },
  ];
}

/** The parameter of an RMS norm. */
export function rmsNormSpec(prefix: string, width: number): ParameterSpec {
  return { name: `${prefix}.weight`, shape: [width], initial: "ones", decays: false };
}
