import type { TensorData } from "../device.ts";
import { nameOf, ShapeError, type Value } from "../graph.ts";
import type { OnnxAttribute, OnnxNode } from "./model-proto.ts";
import { type DynamicSize, type Size, type Sizes, sizeText } from "./sizes.ts";

/** Collects the nodes and initializers of an ONNX graph, and names what they compute. */
export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers = new Map<string, TensorData>();
  readonly sizes: Sizes;
  readonly #names = new Map<Value, string>();
  readonly #made = new Map<string, string>();
  readonly #inputs: readonly Value[];
  #count = 0;

  constructor(sizes: Sizes, inputs: readonly Value[]) {
    this.sizes = sizes;
    this.#inputs = inputs;
    for (const value of inputs) this.#names.set(value, nameOf(value));
  }

  /** The name under which a value that was set can be read. */
  nameOf(value: Value): string {
    const name = this.#names.get(value);
    if (name === undefined)
      throw new ShapeError(`internal: ${value.op} is read before it is made.`);
    return name;
  }

  /** Lets a value be read under this name. */
  set(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** Adds a node; gives the names of its results. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    results = 1,
  ): string[] {
    const outputs = Array.from({ length: results }, () => `%${++this.#count}`);
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /** Adds a node for something that other nodes may need again; one with equal inputs is made once. */
  emitOnce(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ) {
    const key = JSON.stringify([op, inputs, attributes]);
    const name = this.#made.get(key) ?? this.emit(op, inputs, attributes)[0]!;
    this.#made.set(key, name);
    return name;
  }

  /** Lets a result be read, at the end, under the name of an output. */
  output(value: Value, name: string): void {
    const read = this.nameOf(value);
    const node = this.nodes.find((one) => one.outputs.includes(read));
    if (node === undefined || !read.startsWith("%")) {
      this.nodes.push({ op: "Identity", inputs: [read], outputs: [name], attributes: {} });
      return;
    }
    const renamed = (names: readonly string[]) => names.map((one) => (one === read ? name : one));
    for (const [i, one] of this.nodes.entries())
      if (one.inputs.includes(read) || one === node)
        this.nodes[i] = { ...one, inputs: renamed(one.inputs), outputs: renamed(one.outputs) };
    this.#names.set(value, name);
  }

  /** A tensor that is stored in the file; small ones, and filled ones, are stored once. */
  tensor(tensor: TensorData): string {
    const { dtype, shape, data } = tensor;
    const filled = data.every((element) => element === data[0]);
    if (!filled && data.length > 64) return this.#store(tensor);
    const key = `${dtype}[${shape}]${filled ? data[0] : data.join()}`;
    const name = this.#made.get(key) ?? this.#store(tensor);
    this.#made.set(key, name);
    return name;
  }

  #store(tensor: TensorData): string {
    const name = `%${++this.#count}`;
    this.initializers.set(name, tensor);
    return name;
  }

  /** A stored vector of int64. */
  integers(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.tensor({ dtype: "int64", shape: [values.length], data });
  }

  /** A vector of int64 that holds these sizes, computed at run time where they are dynamic. */
  vector(sizes: readonly Size[]): string {
    if (sizes.every((size) => typeof size === "number")) return this.integers(sizes);
    const parts = sizes.map((size) =>
      typeof size === "number" ? this.integers([size]) : this.#dynamicSize(size),
    );
    if (parts.length === 1) return parts[0]!;
    return this.emitOnce("Concat", parts, { axis: { int: 0 } });
  }

  #dynamicSize({ multiple, factors }: DynamicSize): string {
    const sizes = factors.map((name) => this.#sizeOfInput(name));
    const all = multiple === 1 ? sizes : [...sizes, this.integers([multiple])];
    return all.reduce((product, size) => this.emitOnce("Mul", [product, size]));
  }

  #sizeOfInput(name: string): string {
    for (const value of this.#inputs) {
      const axis = this.sizes
        .of(value, (node) => node.shape)
        .findIndex((size) => sizeText(size) === name);
      if (axis < 0) continue;
      return this.emitOnce("Shape", [nameOf(value)], {
        start: { int: axis },
        end: { int: axis + 1 },
      });
    }
    throw new ShapeError(`No input has the dynamic size "${name}" on an axis of its own.`);
  }
}
