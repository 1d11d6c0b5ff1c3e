import { ShapeError, type Value } from "../graph.ts";

/** A size that is known, or a multiple of the product of dynamic sizes: 12·batch·sequence. */
export type Size = number | DynamicSize;
export interface DynamicSize {
  readonly multiple: number;
  /** Names of dynamic sizes in the order in which they were declared; one may occur twice. */
  readonly factors: readonly string[];
}

/** One trace of a model, and the dynamic sizes with which it was made. */
export interface Trace {
  readonly sizes: Readonly<Record<string, number>>;
  readonly nodes: readonly Value[];
}

/**
 * Finds which sizes of a graph follow its dynamic sizes, by comparing traces of it. The first trace is the
 * one that is written; each further one differs from it in one dynamic size.
 */
export class Sizes {
  readonly #traces: readonly Trace[];
  readonly #index: ReadonlyMap<Value, number>;

  /** Throws ShapeError when the traces differ in more than sizes. */
  constructor(traces: readonly Trace[]) {
    this.#traces = traces;
    this.#index = new Map(traces[0]!.nodes.map((node, i) => [node, i]));
    for (const trace of traces) requireSameStructure(traces[0]!, trace);
  }

  /** The same node in every trace, the first one's first. */
  tracesOf(node: Value): readonly Value[] {
    const index = this.#index.get(node)!;
    return this.#traces.map((trace) => trace.nodes[index]!);
  }

  /** Sizes that a node has in each trace, as sizes that hold for all. */
  of(node: Value, read: (node: Value) => readonly number[]): Size[] {
    const all = this.tracesOf(node).map(read);
    return all[0]!.map((size, axis) =>
      this.#unify(
        size,
        all.map((sizes) => sizes[axis]!),
      ),
    );
  }

  #unify(size: number, all: readonly number[]): Size {
    if (all.every((other) => other === size)) return size;
    const first = this.#traces[0]!.sizes;
    const factors: string[] = [];
    let multiple = size;
    for (const [i, { sizes }] of this.#traces.entries()) {
      const name = Object.keys(first).find((key) => sizes[key] !== first[key]);
      if (name === undefined || all[i] === size) continue;
      const exponent = Math.log(all[i]! / size) / Math.log(sizes[name]! / first[name]!);
      const times = Math.round(exponent);
      multiple /= first[name]! ** times;
      if (times < 1 || Math.abs(exponent - times) > 1e-9 || !Number.isInteger(multiple))
        throw new ShapeError(
          `A size of ${size} becomes ${all[i]} with another ${name}: no multiple of it.`,
        );
      for (let n = 0; n < times; n++) factors.push(name);
    }
    return { multiple, factors };
  }
}

/** Whether two sizes are equal for any dynamic sizes. */
export function sameSize(a: Size | undefined, b: Size | undefined): boolean {
  return sizeText(a) === sizeText(b);
}

/** A size as text: `12·batch·sequence`; a bare dynamic size is its name. */
export function sizeText(size: Size | undefined): string {
  if (typeof size !== "object") return String(size);
  return [...(size.multiple === 1 ? [] : [size.multiple]), ...size.factors].join("·");
}

function requireSameStructure(a: Trace, b: Trace): void {
  const at = new Map(a.nodes.map((node, i) => [node, i]));
  const bt = new Map(b.nodes.map((node, i) => [node, i]));
  const same = a.nodes.every((node, i) => {
    const other = b.nodes[i];
    if (node.op !== other?.op || node.shape.length !== other.shape.length) return false;
    return node.inputs.every((read, n) => at.get(read) === bt.get(other.inputs[n]!));
  });
  if (!same || a.nodes.length !== b.nodes.length)
    throw new ShapeError(
      `The graph with sizes ${JSON.stringify(a.sizes)} has other operations than with ${JSON.stringify(b.sizes)}.`,
    );
}
