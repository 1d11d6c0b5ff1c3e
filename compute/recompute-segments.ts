import { makeValue, topologicalOrder, type Value } from "./graph.ts";
import { add, cast, greater, mul } from "./ops/elementwise.ts";
import { concat, reshape, slice } from "./ops/layout.ts";
import { reduceSum } from "./ops/reduce.ts";
import { readersOf } from "./readers-of.ts";

/** What a gradient's graph is made of, before it forgets anything. */
export interface BackwardPass {
  readonly loss: Value;
  /** Values of the forward pass in its order; a segment begins with each of them. */
  readonly boundaries: readonly Value[];
  /** What the gradients are of, in the order of `gradients`. */
  readonly sources: readonly Value[];
  readonly gradients: readonly Value[];
}

/**
 * The same gradients, bit for bit, that keep of the forward pass only the boundaries: what else the
 * backward pass reads of a segment is computed again from its boundary, by the same operations. The last
 * segment is kept, as its backward pass comes at once. https://arxiv.org/abs/1604.06174
 *
 * A runtime chooses an order of its own among operations that could run, so each segment is made to
 * wait: what it is computed from again depends on the gradients of the segment after it. What comes from no
 * boundary and is read in one segment alone belongs to it: a dropout mask that is computed.
 */
export function recomputeSegments(pass: BackwardPass): Value[] {
  return new Recomputation(pass).gradients();
}

class Recomputation {
  readonly #pass: BackwardPass;
  readonly #forward: ReadonlySet<Value>;
  readonly #boundaries: ReadonlyMap<Value, number>;
  /** The segment of each forward value that is forgotten. */
  readonly #segments: ReadonlyMap<Value, number>;
  readonly #again = new Map<Value, Value>();
  readonly #backward = new Map<Value, Value>();
  readonly #delays = new Map<Value, Map<Value, Value>>();
  /** For each segment a value that is there once the one after it is done. */
  readonly #turns: (Value | undefined)[] = [];

  constructor(pass: BackwardPass) {
    const order = topologicalOrder([pass.loss]);
    this.#pass = pass;
    this.#forward = new Set(order);
    this.#boundaries = new Map(pass.boundaries.map((value, i) => [value, i]));
    this.#segments = forgotten(order, this.#boundaries);
  }

  gradients(): Value[] {
    const { gradients, boundaries } = this.#pass;
    const own = this.#gradientsOfSegments();
    for (let segment = boundaries.length - 1; segment > 0; segment--) {
      const done = this.#rebuild(own.get(segment) ?? []);
      this.#turns[segment - 1] = done.length > 0 ? turnAfter(done) : this.#turns[segment];
    }
    return this.#rebuild(gradients);
  }

  /** The gradients of what a single segment reads: they are there when its backward pass is done. */
  #gradientsOfSegments(): Map<number, Value[]> {
    const { sources, gradients } = this.#pass;
    const readers = new Map<Value, Set<number | undefined>>(sources.map((s) => [s, new Set()]));
    const segments = segmentsOf([...this.#forward], this.#boundaries);
    for (const node of this.#forward)
      for (const read of node.inputs) readers.get(read)?.add(segments.get(node));
    const own = new Map<number, Value[]>();
    for (const [i, source] of sources.entries()) {
      const [segment, ...others] = readers.get(source)!;
      if (segment === undefined || others.length > 0) continue;
      own.set(segment, [...(own.get(segment) ?? []), gradients[i]!]);
    }
    return own;
  }

  #rebuild(roots: readonly Value[]): Value[] {
    for (const node of topologicalOrder(roots)) {
      if (this.#forward.has(node) || this.#backward.has(node)) continue;
      const inputs = node.inputs.map((read) => this.#backward.get(read) ?? this.#recalled(read));
      this.#backward.set(node, withInputs(node, inputs));
    }
    return roots.map((root) => this.#backward.get(root) ?? root);
  }

  /** A forward value as the backward pass reads it. */
  #recalled(value: Value): Value {
    const segment = this.#segments.get(value);
    if (segment === undefined) return value;
    for (const node of topologicalOrder([value])) {
      if (this.#segments.get(node) !== segment || this.#again.has(node)) continue;
      this.#again.set(node, this.#computedAgain(node, segment));
    }
    return this.#again.get(value)!;
  }

  #computedAgain(node: Value, segment: number): Value {
    const waits = node.inputs.some((read) => this.#boundaries.has(read) || this.#again.has(read));
    const inputs = node.inputs.map((read) =>
      this.#boundaries.has(read) || (!waits && canWait(read))
        ? this.#delayed(read, segment)
        : (this.#again.get(read) ?? read),
    );
    return withInputs(node, inputs);
  }

  /** A value that is not there before it is the segment's turn. */
  #delayed(value: Value, segment: number): Value {
    const turn = this.#turns[segment];
    if (turn === undefined) return value;
    const known = this.#delays.get(turn) ?? new Map<Value, Value>();
    const delayed = known.get(value) ?? delay(value, turn);
    this.#delays.set(turn, known.set(value, delayed));
    return delayed;
  }
}

/** The segment of each value: that of the last boundary that it is computed from, else the only one that reads it. */
function segmentsOf(
  order: readonly Value[],
  boundaries: ReadonlyMap<Value, number>,
): Map<Value, number> {
  const segments = new Map<Value, number>();
  for (const node of order) {
    const isOfBoundary = node.op === "Result" && boundaries.has(node.inputs[0]!);
    if (isOfBoundary) continue;
    const read = node.inputs.map((value) => boundaries.get(value) ?? segments.get(value) ?? -1);
    const segment = Math.max(-1, ...read);
    if (segment >= 0) segments.set(node, segment);
  }
  const readers = readersOf(order);
  for (const value of [...order].reverse()) {
    if (segments.has(value) || boundaries.has(value) || isGiven(value)) continue;
    const [reader, ...others] = new Set(readers.get(value)?.map((node) => segments.get(node)));
    if (reader !== undefined && others.length === 0) segments.set(value, reader);
  }
  return segments;
}

/** The values to compute again, by segment: all that only their own one reads. */
function forgotten(
  order: readonly Value[],
  boundaries: ReadonlyMap<Value, number>,
): Map<Value, number> {
  const segments = segmentsOf(order, boundaries);
  const readers = readersOf(order);
  const found = new Map<Value, number>();
  for (const value of order) {
    const segment = segments.get(value);
    if (segment === undefined || segment === boundaries.size - 1 || boundaries.has(value)) continue;
    const isOwn = readers.get(value)?.every((node) => segments.get(node) === segment);
    if (isOwn) found.set(value, segment);
  }
  return found;
}

/** A truth value that is there once all of these are; which one means nothing. */
function turnAfter(values: readonly Value[]): Value {
  const first = values.map((value) => {
    const axes = value.shape.map((_, axis) => axis);
    const [starts, ends] = [axes.map(() => 0), axes.map(() => 1)];
    return reshape(slice(value, { axes, starts, ends }), [1]);
  });
  return greater(reduceSum(concat(first, 0), [0]), 0);
}

/** The value as it is, from this turn on. */
function delay(value: Value, turn: Value): Value {
  return mul(value, add(mul(cast(turn, value.dtype), 0), 1));
}

function canWait(value: Value): boolean {
  return !isGiven(value) && (value.dtype === "float32" || value.dtype === "int32");
}

function isGiven({ op }: Value): boolean {
  return op === "Input" || op === "Constant";
}

function withInputs(node: Value, inputs: readonly Value[]): Value {
  if (inputs.every((read, i) => read === node.inputs[i])) return node;
  const { op, attributes, shape, dtype } = node;
  return makeValue(op, inputs, attributes, shape, dtype);
}
