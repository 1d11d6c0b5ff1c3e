import type { TensorData } from "../device.ts";
import type { DType } from "../graph.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/** An attribute of an ONNX node; a float is marked as one, since 1 could be either. */
export type OnnxAttribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: TensorData };

/** One ONNX node; "" among the inputs stands for one that is left out. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph input or output: sizes are numbers, names of dynamic sizes, or undefined where unknown; absent: it has any shape. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly sizes?: readonly (number | string | undefined)[];
}

/** An ONNX model; nodes in an order in which they can run. */
export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly initializers: ReadonlyMap<string, TensorData>;
  readonly nodes: readonly OnnxNode[];
}

/** The version of the operators in use: the newest that onnxruntime-web of 2024 reads. */
export const OPSET_VERSION = 20;
const IR_VERSION = 9;
/** The number of each type in ONNX, and in ONNX Runtime's ONNXTensorElementDataType. */
export const ELEMENT_TYPES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

/** The bytes of a ModelProto. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
export function writeModel(model: OnnxModel): Uint8Array {
  const writer = new ProtobufWriter().integer(1, IR_VERSION).text(2, "tunesmith");
  writer.message(7, (graph) => {
    for (const node of model.nodes) graph.message(1, (inner) => writeNode(inner, node));
    graph.text(2, model.name);
    for (const [name, tensor] of model.initializers)
      graph.message(5, (inner) => writeTensor(inner.text(8, name), tensor));
    for (const value of model.inputs) graph.message(11, (inner) => writeValueInfo(inner, value));
    for (const value of model.outputs) graph.message(12, (inner) => writeValueInfo(inner, value));
  });
  return writer.message(8, (opset) => opset.text(1, "").integer(2, OPSET_VERSION)).finish();
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const name of node.inputs) writer.text(1, name);
  for (const name of node.outputs) writer.text(2, name);
  writer.text(3, `${node.op} ${node.outputs[0]}`).text(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes))
    writer.message(5, (inner) => writeAttribute(inner.text(1, name), attribute));
}

function writeAttribute(writer: ProtobufWriter, attribute: OnnxAttribute): void {
  if ("float" in attribute) writer.float(2, attribute.float).integer(20, 1);
  else if ("int" in attribute) writer.integer(3, attribute.int).integer(20, 2);
  else if ("string" in attribute) writer.text(4, attribute.string).integer(20, 3);
  else if ("tensor" in attribute)
    writer.message(5, (inner) => writeTensor(inner, attribute.tensor)).integer(20, 4);
  else {
    for (const item of attribute.ints) writer.integer(8, item);
    writer.integer(20, 7);
  }
}

function writeTensor(writer: ProtobufWriter, { dtype, shape, data }: TensorData): void {
  for (const size of shape) writer.integer(1, size);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  writer.integer(2, ELEMENT_TYPES[dtype]).bytes(9, bytes);
}

function writeValueInfo(writer: ProtobufWriter, { name, dtype, sizes }: OnnxValueInfo): void {
  writer.text(1, name).message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.integer(1, ELEMENT_TYPES[dtype]);
      if (sizes === undefined) return;
      tensor.message(2, (shape) => {
        for (const size of sizes) shape.message(1, (inner) => writeSize(inner, size));
      });
    }),
  );
}

function writeSize(writer: ProtobufWriter, size: number | string | undefined): void {
  if (typeof size === "number") writer.integer(1, size);
  if (typeof size === "string") writer.text(2, size);
}
