import { expandComposites } from "./expand-composites.ts";
import { type Graph, graphOf, makeValue, type NarrowType, type Value } from "./graph.ts";
import { add, cast } from "./ops/elementwise.ts";
import { rewrite } from "./rewrite.ts";

/** Operations that only move elements, and so give the same before a cast as after it. */
const MOVES = new Set(["Transpose", "Reshape"]);

/**
 * The graph with its matrix products in this type: operands are rounded, products widened again. All else stays
 * float32: norms, softmax, losses, sums and lookups, also those that are written as products, and inputs
 * and outputs, so that weights are rounded for products but kept as they are. https://arxiv.org/abs/1710.03740
 */
export function mixedPrecision(graph: Graph, type: NarrowType): Graph {
  const narrow = narrowing(type);
  const values = rewrite(expandComposites([...graph.outputs.values()]), (node) => {
    const [x] = node.inputs;
    const wide = x && widened(x, type);
    if (MOVES.has(node.op) && wide !== undefined)
      return cast(makeValue(node.op, [wide], node.attributes, node.shape, type), "float32");
    return isProduct(node) ? product(node, narrow) : undefined;
  });
  const names = [...graph.outputs.keys()];
  return graphOf(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
}

function isProduct({ op, inputs }: Value): boolean {
  return (op === "MatMul" || op === "Gemm") && !inputs.slice(0, 2).some(chooses);
}

/** Whether a product with this matrix only sums or looks up: it is a constant, or zeros and ones. */
function chooses({ op, inputs }: Value): boolean {
  if (MOVES.has(op)) return chooses(inputs[0]!);
  if (op === "Where") return inputs.slice(1).every(chooses);
  return op === "Constant" || (op === "Cast" && inputs[0]!.dtype === "bool");
}

function product(node: Value, narrow: (value: Value) => Value): Value {
  const [a, b, c] = node.inputs.map((value, i) => (i < 2 ? narrow(value) : value));
  const made = cast(makeValue(node.op, [a!, b!], node.attributes, node.shape, a!.dtype), "float32");
  return c === undefined ? made : add(made, c);
}

/** Rounds each value once; what was widened is taken as it was. */
function narrowing(type: NarrowType): (value: Value) => Value {
  const known = new Map<Value, Value>();
  return (value) => {
    const found = known.get(value) ?? widened(value, type) ?? cast(value, type);
    known.set(value, found);
    return found;
  };
}

/** What this value was before it was widened from the type; undefined where it was not. */
function widened({ op, inputs }: Value, type: NarrowType): Value | undefined {
  const [x] = inputs;
  return op === "Cast" && x?.dtype === type ? x : undefined;
}
