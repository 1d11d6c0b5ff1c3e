import type { TypedArray, Value } from "../graph.ts";
import { ShapeError, sizeOf } from "../graph.ts";
import type { Emitter } from "./emitter.ts";
import { ELEMENT_TYPES, type OnnxAttribute } from "./model-proto.ts";
import { type Size, sameSize } from "./sizes.ts";

/** Adds what an operation is in ONNX; gives the names of its results, of which `results` are read. */
type Lowering = (
  node: Value,
  emitter: Emitter,
  inputs: readonly string[],
  results: number,
) => readonly string[];

const TO_THE_END = 2 ** 31 - 1;

const sameName: Lowering = (node, emitter, inputs) => emitter.emit(node.op, inputs);

const reduction: Lowering = (node, emitter, [x]) => {
  const axes = emitter.integers(node.attributes.axes as readonly number[]);
  return emitter.emit(node.op, [x!, axes], { keepdims: { int: node.attributes.keepDims ? 1 : 0 } });
};

/** Each operation in ONNX, opset 20. https://onnx.ai/onnx/operators */
export const lowerings: Readonly<Record<string, Lowering>> = {
  ...Object.fromEntries(
    "Add Sub Mul Div Neg Sqrt Exp Log Erf Tanh Relu Sigmoid Reciprocal Equal Greater Where MatMul"
      .split(" ")
      .map((op) => [op, sameName]),
  ),
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  Constant: (node, emitter) => [lowerConstant(node, emitter)],
  Cast: (node, emitter, inputs) =>
    emitter.emit("Cast", inputs, { to: { int: ELEMENT_TYPES[node.dtype] } }),
  Gemm: (node, emitter, inputs) =>
    emitter.emit("Gemm", inputs, { ...flag(node, "transA"), ...flag(node, "transB") }),
  Transpose: (node, emitter, inputs) =>
    emitter.emit("Transpose", inputs, {
      perm: { ints: node.attributes.perm as readonly number[] },
    }),
  Reshape: (node, emitter, [x]) => emitter.emit("Reshape", [x!, reshapeSizes(node, emitter)]),
  Slice: lowerSlice,
  Concat: (node, emitter, inputs) => emitter.emit("Concat", inputs, axisAttribute(node)),
  Split(node, emitter, [x]) {
    const sizes = emitter.sizes.of(node, (n) => n.attributes.sizes as readonly number[]);
    return emitter.emit("Split", [x!, emitter.vector(sizes)], axisAttribute(node), sizes.length);
  },
  Expand: (node, emitter, [x]) => emitter.emit("Expand", [x!, expandSizes(node, emitter)]),
  Pad(node, emitter, [x]) {
    const sizes = emitter.sizes.of(node, ({ attributes: { before, after } }) => [
      ...(before as readonly number[]),
      ...(after as readonly number[]),
    ]);
    return emitter.emit("Pad", [x!, emitter.vector(sizes)]);
  },
  Softmax: (_, emitter, inputs) => emitter.emit("Softmax", inputs, { axis: { int: -1 } }),
  Gelu: (node, emitter, inputs) =>
    emitter.emit("Gelu", inputs, {
      approximate: { string: node.attributes.approximate === "tanh" ? "tanh" : "none" },
    }),
  LayerNormalization: (node, emitter, inputs, results) =>
    emitter.emit(
      "LayerNormalization",
      inputs,
      { axis: { int: -1 }, epsilon: { float: node.attributes.eps as number } },
      results,
    ),
  Gather: (node, emitter, inputs) => emitter.emit("Gather", inputs, axisAttribute(node)),
  Pick(_, emitter, [x, ids]) {
    const columns = emitter.emitOnce("Unsqueeze", [ids!, emitter.integers([1])]);
    const [picked] = emitter.emit("GatherElements", [x!, columns], { axis: { int: 1 } });
    return emitter.emit("Squeeze", [picked!, emitter.integers([1])]);
  },
  ScatterRows: lowerScatterRows,
};

function flag(node: Value, name: string): Record<string, OnnxAttribute> {
  return node.attributes[name] === true ? { [name]: { int: 1 } } : {};
}

function axisAttribute(node: Value): Record<string, OnnxAttribute> {
  return { axis: { int: node.attributes.axis as number } };
}

/** Sizes of a reshape: 0 keeps the size of an axis, one -1 is what is left, so that files stay readable. */
function reshapeSizes(node: Value, emitter: Emitter): string {
  const before = emitter.sizes.of(node, (n) => n.inputs[0]!.shape);
  const after = emitter.sizes.of(node, (n) => n.shape);
  const kept = after.map((size, axis) => typeof size === "object" && sameSize(size, before[axis]));
  const open = after.filter((size, axis) => typeof size === "object" && !kept[axis]).length;
  if (open > 1) return emitter.vector(after);
  return emitter.integers(
    after.map((size, axis) => (typeof size === "number" ? size : kept[axis] ? 0 : -1)),
  );
}

/** Sizes of an expansion: 1 keeps the size that an axis has. */
function expandSizes(node: Value, emitter: Emitter): string {
  const before = emitter.sizes.of(node, (n) => n.inputs[0]!.shape);
  const after = emitter.sizes.of(node, (n) => n.shape);
  const added = after.length - before.length;
  return emitter.vector(
    after.map((size, axis) => (sameSize(size, before[axis - added]) ? 1 : size)),
  );
}

function lowerSlice(node: Value, emitter: Emitter, [x]: readonly string[]): readonly string[] {
  const axes = node.attributes.axes as readonly number[];
  const sizes = emitter.sizes.of(node, (n) => axes.map((axis) => n.inputs[0]!.shape[axis]!));
  const starts = emitter.sizes.of(node, (n) => n.attributes.starts as readonly number[]);
  const ends = emitter.sizes
    .of(node, (n) => n.attributes.ends as readonly number[])
    .map((end, i): Size => (typeof end === "object" && sameSize(end, sizes[i]) ? TO_THE_END : end));
  return emitter.emit("Slice", [
    x!,
    emitter.vector(starts),
    emitter.vector(ends),
    emitter.integers(axes),
  ]);
}

function lowerScatterRows(
  node: Value,
  emitter: Emitter,
  [rows, ids]: readonly string[],
): readonly string[] {
  const zero = emitter.tensor({ dtype: "float32", shape: [], data: new Float32Array(1) });
  const sizes = emitter.vector(emitter.sizes.of(node, (n) => n.shape));
  const zeros = emitter.emitOnce("Expand", [zero, sizes]);
  const last = node.inputs[1]!.shape.length;
  const column = emitter.emitOnce("Unsqueeze", [ids!, emitter.integers([last])]);
  const indices = emitter.emitOnce("Cast", [column], { to: { int: ELEMENT_TYPES.int64 } });
  return emitter.emit("ScatterND", [zeros, indices, rows!], { reduction: { string: "add" } });
}

/** A constant; where its size is dynamic, one that is filled with a value or counts up from 0. */
function lowerConstant(node: Value, emitter: Emitter): string {
  const traces = emitter.sizes.tracesOf(node);
  const data = node.attributes.data as TypedArray;
  const all = traces.map((trace) => trace.attributes.data as TypedArray);
  const equal = all.every(
    (other) => other.length === data.length && other.every((x, i) => x === data[i]),
  );
  const sizes = emitter.sizes.of(node, (n) => n.shape);
  if (equal && sizes.every((size) => typeof size === "number"))
    return emitter.tensor({ dtype: node.dtype, shape: node.shape, data });
  const one = { dtype: node.dtype, shape: [1], data: data.slice(0, 1) };
  if (all.every((other) => other.every((x) => x === data[0])))
    return emitter.emitOnce("Expand", [emitter.tensor(one), emitter.vector(sizes)]);
  if (sizes.length !== 1 || !all.every((other) => other.every((x, i) => Number(x) === i)))
    throw new ShapeError(`A constant of ${sizeOf(node.shape)} elements depends on a dynamic size.`);
  const scalar = (name: string) => emitter.emitOnce("Squeeze", [name]);
  const [start, step] = [emitter.integers([0]), emitter.integers([1])].map(scalar);
  const range = emitter.emitOnce("Range", [start!, scalar(emitter.vector(sizes)), step!]);
  return emitter.emitOnce("Cast", [range], { to: { int: ELEMENT_TYPES[node.dtype] } });
}
