import type { DataType, Tensor, TypedArray as TfTypedArray } from "@tensorflow/tfjs-core";
import { DeviceError } from "../../device-error.ts";
import {
  type DType,
  type HostType,
  hostType,
  sizeOf,
  type TypedArray,
  type Value,
} from "../../graph.ts";

/** What this file needs of TensorFlow.js, whichever package brings it. */
export type TensorFlow = typeof import("@tensorflow/tfjs-core");

/** Computes a node's results from what it reads. What it makes on the way is freed by the caller. */
type Operation = (tf: TensorFlow, node: Value, read: readonly Tensor[]) => Tensor | Tensor[];

/** What elements of each type are in TensorFlow.js, which has no integers but of 32 bits, and no smaller floats. */
const tfTypes: Readonly<Record<HostType, DataType>> = {
  float32: "float32",
  int32: "int32",
  int64: "int32",
  uint8: "int32",
  bool: "bool",
};

/** What elements of this type are in TensorFlow.js. */
export function tfTypeOf(dtype: DType): DataType {
  return tfTypes[hostType(dtype)];
}

/** Elements of a graph's tensor as TensorFlow.js takes them. Throws DeviceError for an integer beyond 32 bits. */
export function toTf(dtype: DType, data: TypedArray): TfTypedArray {
  if (data instanceof BigInt64Array) return Int32Array.from(data, inInt32);
  return dtype === "uint8" ? Int32Array.from(data) : data;
}

function inInt32(element: bigint): number {
  if (BigInt.asIntN(32, element) === element) return Number(element);
  throw new DeviceError(
    "device-input",
    `TensorFlow.js has no integers of 64 bits, and ${element} does not fit into 32.`,
    "run with --device cpu",
  );
}

/** Elements that TensorFlow.js gave, in an array of their own of the graph's type. */
export function fromTf(dtype: DType, data: TfTypedArray): TypedArray {
  if (dtype === "int64") return BigInt64Array.from(Array.from(data, BigInt));
  return dtype === "uint8" ? Uint8Array.from(data) : data.slice();
}

/**
 * Each operation of an expanded graph, of kernels that the cpu, wasm and tensorflow backends all have:
 * wasm lacks UnsortedSegmentSum, and its casts to bool keep the lowest byte.
 */
export const tfOperations: Readonly<Record<string, Operation>> = {
  Add: (tf, _, [a, b]) => tf.add(a!, b!),
  Sub: (tf, _, [a, b]) => tf.sub(a!, b!),
  Mul: (tf, _, [a, b]) => tf.mul(a!, b!),
  Div: (tf, _, [a, b]) => tf.div(a!, b!),
  Equal: (tf, _, [a, b]) => tf.equal(a!, b!),
  Greater: (tf, _, [a, b]) => tf.greater(a!, b!),
  Where: (tf, _, [condition, a, b]) => tf.where(condition!, a!, b!),
  Neg: (tf, _, [x]) => tf.neg(x!),
  Sqrt: (tf, _, [x]) => tf.sqrt(x!),
  Exp: (tf, _, [x]) => tf.exp(x!),
  Log: (tf, _, [x]) => tf.log(x!),
  Erf: (tf, _, [x]) => tf.erf(x!),
  Tanh: (tf, _, [x]) => tf.tanh(x!),
  Relu: (tf, _, [x]) => tf.relu(x!),
  Sigmoid: (tf, _, [x]) => tf.sigmoid(x!),
  Reciprocal: (tf, _, [x]) => tf.reciprocal(x!),
  Cast: (tf, { dtype }, [x]) =>
    dtype === "bool" ? tf.notEqual(x!, tf.zerosLike(x!)) : tf.cast(x!, tfTypeOf(dtype)),
  MatMul(tf, { shape }, read) {
    const batch = shape.slice(0, -2);
    const [a, b] = read.map((matrix) => withBatch(tf, matrix, batch));
    return tf.matMul(a!, b!);
  },
  Gemm(tf, { attributes: { transA, transB } }, [a, b, c]) {
    const product =
      tf.getBackend() === "wasm" // 20 times as fast where nothing is transposed
        ? tf.matMul(transA ? tf.transpose(a!) : a!, transB ? tf.transpose(b!) : b!)
        : tf.matMul(a!, b!, transA === true, transB === true);
    return c === undefined ? product : tf.add(product, c);
  },
  Softmax: (tf, _, [x]) => tf.softmax(x!),
  Gelu: (tf, { attributes }, [x]) =>
    attributes.approximate === "tanh" ? tanhGelu(tf, x!) : erfGelu(tf, x!),
  LayerNormalization(tf, { attributes: { eps } }, [x, scale, bias]) {
    const mean = tf.mean(x!, -1, true);
    const centred = tf.sub(x!, mean);
    const variance = tf.mean(tf.square(centred), -1, true);
    const invStd = tf.reciprocal(tf.sqrt(tf.add(variance, eps as number)));
    return [tf.add(tf.mul(tf.mul(centred, invStd), scale!), bias!), mean, invStd];
  },
  ReduceSum: (tf, { attributes }, [x]) => tf.sum(x!, ...reduction(attributes)),
  ReduceMean: (tf, { attributes }, [x]) => tf.mean(x!, ...reduction(attributes)),
  ReduceMax: (tf, { attributes }, [x]) => tf.max(x!, ...reduction(attributes)),
  Transpose: (tf, { attributes }, [x]) => tf.transpose(x!, [...numbers(attributes.perm)]),
  Reshape: (tf, { shape }, [x]) => tf.reshape(x!, [...shape]),
  Expand: (tf, { shape }, [x]) => tf.broadcastTo(x!, [...shape]),
  Concat: (tf, { attributes }, read) => tf.concat([...read], attributes.axis as number),
  Split: (tf, { attributes }, [x]) =>
    tf.split(x!, [...numbers(attributes.sizes)], attributes.axis as number),
  Slice(tf, { shape, attributes }, [x]) {
    const [axes, starts] = [numbers(attributes.axes), numbers(attributes.starts)];
    const begin = shape.map((_, axis) => starts[axes.indexOf(axis)] ?? 0);
    return tf.slice(x!, begin, [...shape]);
  },
  Pad(tf, { attributes }, [x]) {
    const [before, after] = [numbers(attributes.before), numbers(attributes.after)];
    return tf.pad(
      x!,
      before.map((count, axis): [number, number] => [count, after[axis]!]),
    );
  },
  Gather: (tf, _, [table, ids]) => tf.gather(table!, ids!),
  /** Out of all elements in a row: a one-hot product would need as much memory again. */
  Pick(tf, { inputs: [x], shape }, [elements, ids]) {
    const width = x!.shape[1]!;
    const starts = Int32Array.from({ length: shape[0]! }, (_, row) => row * width);
    return tf.gather(tf.reshape(elements!, [-1]), tf.add(ids!, tf.tensor1d(starts, "int32")));
  },
  ScatterRows(tf, { inputs: [, ids], shape }, [rows, at]) {
    const [count, width] = [sizeOf(ids!.shape), sizeOf(shape.slice(1))];
    const updates = tf.reshape(rows!, [count, width]);
    const table = tf.scatterND(tf.reshape(at!, [count, 1]), updates, [shape[0]!, width]);
    return tf.reshape(table, [...shape]);
  },
};

/** TensorFlow.js' product is wrong where both operands are repeated, along different axes. */
function withBatch(tf: TensorFlow, matrix: Tensor, batch: readonly number[]): Tensor {
  const isOne = sizeOf(matrix.shape.slice(0, -2)) === 1;
  return isOne ? matrix : tf.broadcastTo(matrix, [...batch, ...matrix.shape.slice(-2)]);
}

function numbers(attribute: unknown): readonly number[] {
  return attribute as readonly number[];
}

function reduction({ axes, keepDims }: Value["attributes"]): [axes: number[], keepDims: boolean] {
  return [[...numbers(axes)], keepDims === true];
}

function erfGelu(tf: TensorFlow, x: Tensor): Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function tanhGelu(tf: TensorFlow, x: Tensor): Tensor {
  const inner = tf.mul(
    tf.mul(x, tf.add(tf.mul(tf.square(x), 0.044715), 1)),
    Math.sqrt(2 / Math.PI),
  );
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}
