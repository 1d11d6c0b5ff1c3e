import type { TensorData } from "../device.ts";
import { expandComposites } from "../expand-composites.ts";
import { type Graph, nameOf, ShapeError, show, topologicalOrder, type Value } from "../graph.ts";
import { pushDownSlices } from "../push-down-slices.ts";
import { Emitter } from "./emitter.ts";
import { lowerings } from "./lowering.ts";
import { type OnnxValueInfo, writeModel } from "./model-proto.ts";
import { Sizes, sizeText, type Trace } from "./sizes.ts";

export interface ExportOptions {
  /** Graph inputs that are stored in the file instead of being given at each run. */
  readonly parameters?: Readonly<Record<string, TensorData>>;
  /** Names of the sizes that the reader of the file chooses: `["batch", "sequence"]`. */
  readonly dynamicSizes?: readonly string[];
  /** The largest value, at least 2, of a dynamic size for which the graph can be built; absent: any. */
  readonly largest?: Readonly<Record<string, number>>;
  /** The name of the graph in the file. */
  readonly name?: string;
}

/** A graph, or a function that builds it for any dynamic sizes that it is given. */
export type GraphSource = Graph | ((sizes: Readonly<Record<string, number>>) => Graph);

/**
 * A graph as the bytes of an ONNX file. With dynamic sizes the source is a function: it is traced at a
 * few sizes, and what differs between the traces becomes dynamic in the file. Throws ShapeError where
 * a graph depends on a dynamic size in a way that cannot be written, and when a parameter does not fit.
 */
export function exportOnnx(source: GraphSource, options: ExportOptions = {}): Uint8Array {
  const { parameters = {}, dynamicSizes = [], largest = {}, name = "graph" } = options;
  const traces = tracesOf(source, dynamicSizes, largest);
  const [{ graph, roots }] = traces;
  const emitter = new Emitter(new Sizes(traces), graph.inputs);
  lowerAll(traces[0].nodes, emitter);
  for (const value of graph.inputs) {
    const tensor = parameters[nameOf(value)];
    if (tensor !== undefined) emitter.initializers.set(nameOf(value), checked(value, tensor));
  }
  const outputs = [...graph.outputs.keys()].map((output, i): OnnxValueInfo => {
    emitter.output(roots[i]!, output);
    return valueInfo(output, roots[i]!, emitter);
  });
  const inputs = graph.inputs
    .filter((value) => parameters[nameOf(value)] === undefined)
    .map((value) => valueInfo(nameOf(value), value, emitter));
  const { nodes, initializers } = emitter;
  return writeModel({ name, inputs, outputs, initializers, nodes });
}

interface ExpandedTrace extends Trace {
  readonly graph: Graph;
  readonly roots: readonly Value[];
}

function tracesOf(
  source: GraphSource,
  names: readonly string[],
  largest: Readonly<Record<string, number>>,
): [ExpandedTrace, ...ExpandedTrace[]] {
  // Primes, so that no size that a model has by itself is taken for a multiple of one.
  const second = (name: string) => Math.min(13, largest[name] ?? 13);
  const first = Object.fromEntries(
    names.map((name, i) => [name, Math.min([5, 7, 11][i % 3]!, second(name) - 1)]),
  );
  const trace = (sizes: Record<string, number>): ExpandedTrace => {
    const graph = typeof source === "function" ? source(sizes) : source;
    const roots = expandComposites(pushDownSlices([...graph.outputs.values()]));
    return { sizes, graph, roots, nodes: topologicalOrder(roots) };
  };
  if (names.length > 0 && typeof source !== "function")
    throw new ShapeError("exportOnnx: dynamic sizes need a function that builds the graph.");
  return [trace(first), ...names.map((name) => trace({ ...first, [name]: second(name) }))];
}

function lowerAll(nodes: readonly Value[], emitter: Emitter): void {
  const read = new Map<Value, number>();
  for (const { op, inputs, attributes } of nodes)
    if (op === "Result")
      read.set(inputs[0]!, Math.max(read.get(inputs[0]!) ?? 1, Number(attributes.index) + 1));
  const results = new Map<Value, readonly string[]>();
  for (const node of nodes) {
    if (node.op === "Input") continue;
    if (node.op === "Result") {
      emitter.set(node, results.get(node.inputs[0]!)![node.attributes.index as number]!);
      continue;
    }
    const lower = lowerings[node.op];
    if (lower === undefined) throw new ShapeError(`exportOnnx: ${node.op} has no ONNX form.`);
    const names = lower(
      node,
      emitter,
      node.inputs.map((value) => emitter.nameOf(value)),
      read.get(node) ?? 1,
    );
    results.set(node, names);
    emitter.set(node, names[0]!);
  }
}

function valueInfo(name: string, value: Value, emitter: Emitter): OnnxValueInfo {
  const sizes = emitter.sizes
    .of(value, (node) => node.shape)
    .map((size) => {
      if (typeof size === "number") return size;
      return size.multiple === 1 && size.factors.length === 1 ? sizeText(size) : undefined;
    });
  return { name, dtype: value.dtype, sizes };
}

function checked(value: Value, tensor: TensorData): TensorData {
  if (tensor.dtype !== value.dtype || show(tensor.shape) !== show(value.shape))
    throw new ShapeError(
      `exportOnnx: parameter "${nameOf(value)}" is ${tensor.dtype} ${show(tensor.shape)}, the graph reads ${value.dtype} ${show(value.shape)}.`,
    );
  return tensor;
}
