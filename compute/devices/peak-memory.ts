import { bytesOf } from "../bytes-of.ts";
import type { Graph, Value } from "../graph.ts";
import { mergeEqual } from "../merge-equal.ts";
import { readersOf } from "../readers-of.ts";

/** Operations whose kernels can write over an input that nothing reads later. */
const IN_PLACE = new Set(
  "Add Sub Mul Div Neg Sqrt Exp Log Erf Tanh Relu Sigmoid Reciprocal Gelu Softmax".split(" "),
);

/** A piece of memory, which serves one result after the other. */
interface Buffer {
  readonly bytes: number;
  readonly isOutput: boolean;
  /** The number of the operation that is the first to write it, and of the last that reads it. */
  readonly from: number;
  until: number;
  /** Reads that are still to come. */
  reads: number;
}

/**
 * The most bytes that ONNX Runtime holds at once, beside the inputs, while it computes a graph without composites:
 * told from its order of operations, its reuse of buffers of one size, results written over inputs, and
 * transpositions inside of products. What kernels take for themselves is not counted. `repeats` as in CompileOptions.
 */
export function peakMemory(given: Graph, { repeats = false }: { repeats?: boolean } = {}): number {
  const graph = repeats ? given : mergeEqual(given);
  const order = runtimeOrder(graph);
  const changes = new Array<number>(order.length + 1).fill(0);
  for (const { bytes, from, until, isOutput } of buffersOf(graph, order)) {
    changes[from]! += bytes;
    if (!isOutput) changes[until + 1]! -= bytes;
  }
  let [held, most] = [0, 0];
  for (const change of changes) {
    held += change;
    most = Math.max(most, held);
  }
  return most;
}

/** Every piece of memory that the results of these operations lie in. */
function buffersOf(graph: Graph, order: readonly Value[]): readonly Buffer[] {
  const readers = readersOf(graph.nodes);
  const outputs = new Set(graph.outputs.values());
  const all: Buffer[] = [];
  const held = new Map<Value, Buffer>();
  const free = new Map<number, Buffer[]>();
  for (const [time, node] of order.entries()) {
    const read = readers.get(node) ?? [];
    const sources = node.inputs.map((value) => held.get(value));
    const isOutput = outputs.has(node);
    const bytes = bytesOf(node);
    const isSeen = !isOutput && isView(node, read);
    let buffer = isSeen ? sources[0] : undefined;
    if (!isSeen && !isOutput) buffer = overwritten(node, sources, bytes) ?? free.get(bytes)?.pop();
    if (!isSeen && buffer === undefined) {
      buffer = { bytes, isOutput, from: time, until: time, reads: 0 };
      all.push(buffer);
    }
    if (buffer !== undefined) held.set(node, buffer);
    if (buffer !== undefined) buffer.reads += read.length;
    for (const source of sources) if (source !== undefined) source.reads -= 1;
    for (const used of new Set([...sources, buffer])) {
      if (used === undefined) continue;
      used.until = time;
      if (used.reads === 0 && !used.isOutput)
        free.set(used.bytes, [...(free.get(used.bytes) ?? []), used]);
    }
  }
  return all;
}

function overwritten(
  { op }: Value,
  sources: readonly (Buffer | undefined)[],
  bytes: number,
): Buffer | undefined {
  if (!IN_PLACE.has(op)) return undefined;
  return sources.find(
    (source) => source?.reads === 1 && source.bytes === bytes && !source.isOutput,
  );
}

/** Whether a result is its first input's memory: another shape, or a matrix that products read transposed. */
function isView({ op, attributes }: Value, readers: readonly Value[]): boolean {
  if (op === "Reshape") return true;
  if (op !== "Transpose") return false;
  const perm = attributes.perm as readonly number[];
  const last = perm.length - 1;
  const swapped = perm.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i));
  return perm.every((axis, i) => axis === swapped[i]) && readers.every(({ op }) => op === "MatMul");
}

/**
 * The order in which ONNX Runtime computes: from the last result that nothing reads, each operation after what it
 * reads, of which what stands later in the file goes first.
 */
function runtimeOrder({ nodes }: Graph): Value[] {
  const place = new Map(nodes.map((node, i) => [node, i]));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const stack = nodes.filter((node) => !read.has(node)).map((node) => ({ node, isReady: false }));
  const order: Value[] = [];
  const seen = new Set<Value>();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, isReady } = top;
    if (isReady) order.push(node);
    if (isReady || seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, isReady: true });
    const inputs = [...new Set(node.inputs)].sort((a, b) => place.get(a)! - place.get(b)!);
    for (const value of inputs) if (!seen.has(value)) stack.push({ node: value, isReady: false });
  }
  return order.filter(({ op }) => op !== "Input" && op !== "Constant");
}
