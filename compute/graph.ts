/** The element types that tensors have on the host. `bool` and `uint8` hold one byte for each element. */
export type HostType = "float32" | "int32" | "int64" | "uint8" | "bool";
/** Floats of 16 bits, for values between two casts: never inputs, constants, outputs. */
export type NarrowType = "float16" | "bfloat16";
/** The element types that a graph computes with. */
export type DType = HostType | NarrowType;
/** Sizes of the axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];
/** Elements of a tensor in row-major order. */
export type TypedArray = Float32Array | Int32Array | BigInt64Array | Uint8Array;
export type Attribute = string | number | boolean | readonly number[] | TypedArray;
export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * One immutable node of a computation, and at once its first result. `op` is the name of the ONNX
 * operator that it means, or of a composite of ours that is expanded before it runs.
 */
export interface Value {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A computation from named inputs to named outputs. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: ReadonlyMap<string, Value>;
  /** Every value that the outputs need, each after what it reads. */
  readonly nodes: readonly Value[];
}

/** Thrown when an operation is given tensors that it is not defined for: a bug in the caller. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  readonly code = "shape";
}

/** A tensor that is given at each run, under a name that is unique in its graph. */
export function input(name: string, shape: Shape, dtype: DType = "float32"): Value {
  if (name === "") throw new ShapeError("input: the name is empty.");
  return makeValue("Input", [], { name }, shape, dtype);
}

/**
 * A tensor that is part of the graph. A number is a scalar; a list without a shape is a vector; a
 * single number with a shape fills it.
 */
export function constant(
  data: number | readonly number[] | TypedArray,
  shape?: Shape,
  dtype?: DType,
): Value {
  const type = dtype ?? dtypeOf(data);
  const sizes = shape ?? (typeof data === "number" ? [] : [data.length]);
  const count = sizeOf(sizes);
  const elements = toArray(typeof data === "number" ? new Array(count).fill(data) : data, type);
  if (elements.length !== count)
    throw new ShapeError(
      `constant: ${elements.length} elements do not fill the shape ${show(sizes)}.`,
    );
  return makeValue("Constant", [], { data: elements }, sizes, type);
}

/** A node, unchecked: operations check their own rules and then call this. */
export function makeValue(
  op: string,
  inputs: readonly Value[],
  attributes: Attributes,
  shape: Shape,
  dtype: DType,
): Value {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new ShapeError(`${op}: ${show(shape)} is not a shape.`);
  return { op, inputs, attributes, shape, dtype };
}

/** The result with number `index` (1 or more) of a node that has several; result 0 is the node itself. */
export function resultOf(node: Value, index: number, shape: Shape): Value {
  return makeValue("Result", [node], { index }, shape, node.dtype);
}

/**
 * The graph that computes these outputs. Throws when two of its inputs and outputs have one name, and for
 * names that begin with %, as those of inner values do.
 */
export function graphOf(outputs: Readonly<Record<string, Value>>): Graph {
  const nodes = topologicalOrder(Object.values(outputs));
  const inputs = nodes.filter((value) => value.op === "Input");
  const names = new Set<string>();
  for (const name of [...inputs.map(nameOf), ...Object.keys(outputs)]) {
    if (names.has(name)) throw new ShapeError(`graphOf: "${name}" names two inputs or outputs.`);
    if (name.startsWith("%")) throw new ShapeError(`graphOf: the name "${name}" begins with %.`);
    names.add(name);
  }
  return { inputs, outputs: new Map(Object.entries(outputs)), nodes };
}

/** The name of a graph input. */
export function nameOf(value: Value): string {
  if (value.op !== "Input") throw new ShapeError(`nameOf: ${value.op} is not an input.`);
  return value.attributes.name as string;
}

/** The values that `roots` need, each after what it reads, in an order that depends on nothing else. */
export function topologicalOrder(roots: readonly Value[]): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  const stack: { readonly value: Value; next: number }[] = [];
  const enter = (value: Value) => {
    if (seen.has(value)) return;
    seen.add(value);
    stack.push({ value, next: 0 });
  };
  for (const root of roots) {
    enter(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const read = top.value.inputs[top.next++];
      if (read !== undefined) enter(read);
      else order.push(stack.pop()!.value);
    }
  }
  return order;
}

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A shape as a user reads it: `[2, 3]`. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Whether elements of this type are floats of 16 bits. */
export function isNarrow(dtype: DType): dtype is NarrowType {
  return dtype === "float16" || dtype === "bfloat16";
}

/** The type of an input, a constant or an output: one that the host has. Throws ShapeError for another. */
export function hostType(dtype: DType): HostType {
  if (isNarrow(dtype)) throw new ShapeError(`${dtype} is for values inside of a graph only.`);
  return dtype;
}

/** An array of zeros for elements of this type. */
export function newArray(dtype: DType, length: number): TypedArray {
  const type = hostType(dtype);
  if (type === "float32") return new Float32Array(length);
  if (type === "int32") return new Int32Array(length);
  if (type === "int64") return new BigInt64Array(length);
  return new Uint8Array(length);
}

function toArray(data: readonly number[] | TypedArray, dtype: DType): TypedArray {
  if (ArrayBuffer.isView(data) && newArray(dtype, 0).constructor === data.constructor) return data;
  if (dtype === "int64") return BigInt64Array.from(Array.from(data, BigInt));
  const array = newArray(dtype, data.length);
  for (let i = 0; i < data.length; i++) array[i] = Number(data[i]);
  return array;
}

function dtypeOf(data: number | readonly number[] | TypedArray): DType {
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Uint8Array) return "uint8";
  return "float32";
}

/**
 * A graph as text, one value a line, numbered in the order in which they are computed:
 *
 *     inputs x:float32[2,3] w:float32[4,3]
 *     %1:float32[2,4] = Gemm[transB=true] x w
 *     %2:float32[2,4] = Tanh %1
 *     outputs y=%2
 */
export function toText(graph: Graph): string {
  const names = new Map<Value, string>();
  for (const value of graph.inputs) names.set(value, nameOf(value));
  const lines = [["inputs", ...graph.inputs.map((v) => `${nameOf(v)}:${type(v)}`)].join(" ")];
  for (const value of graph.nodes) {
    if (value.op === "Input") continue;
    const scalar = scalarText(value);
    if (scalar !== undefined) {
      names.set(value, scalar);
      continue;
    }
    const name = `%${lines.length}`;
    const read = value.inputs.map((input) => ` ${names.get(input)!}`).join("");
    lines.push(`${name}:${type(value)} = ${value.op}${attributesText(value)}${read}`);
    names.set(value, name);
  }
  const outputs = Array.from(graph.outputs, ([name, value]) => `${name}=${names.get(value)!}`);
  return [...lines, ["outputs", ...outputs].join(" ")].join("\n");
}

function type(value: Value): string {
  return `${value.dtype}[${value.shape.join(",")}]`;
}

function scalarText(value: Value): string | undefined {
  const { data } = value.attributes;
  if (value.op !== "Constant" || value.shape.length > 0 || typeof data !== "object")
    return undefined;
  return shortest(data[0]!);
}

function shortest(element: number | bigint): string {
  return String(typeof element === "bigint" ? element : Number(element.toPrecision(7)));
}

function attributesText(value: Value): string {
  const entries = Object.entries(value.attributes);
  if (entries.length === 0) return "";
  return `[${entries.map(([name, attribute]) => `${name}=${attributeText(attribute)}`).join(" ")}]`;
}

function attributeText(attribute: Attribute): string {
  if (typeof attribute !== "object") return String(attribute);
  const items = Array.from(attribute as ArrayLike<number | bigint>, shortest);
  return items.length > 8 && items.every((item) => item === items[0])
    ? `${items[0]}×${items.length}`
    : `(${items.length > 16 ? `${items.slice(0, 16).join(",")},…` : items.join(",")})`;
}
