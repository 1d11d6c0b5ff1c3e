import type { CompileOptions, Device, HeldTensors } from "../../compute/device.ts";
import { type Graph, graphOf, isNarrow, makeValue, type Value } from "../../compute/graph.ts";
import { cast } from "../../compute/ops/elementwise.ts";
import { rewrite } from "../../compute/rewrite.ts";

/**
 * A device with products in 16 bits as tensor cores have them, but for the order of sums: operands and result are
 * rounded by casts, and the product between is one of float32.
 */
export function roundingDevice(device: Device): Device {
  const hold = device.hold?.bind(device);
  return {
    ...device,
    compile: (graph, options?: CompileOptions) => device.compile(withRounding(graph), options),
    lacksPrecision: async () => undefined,
    ...(hold && { hold: () => roundingTensors(hold()) }),
  };
}

function roundingTensors(held: HeldTensors): HeldTensors {
  return {
    write: (tensors) => held.write(tensors),
    read: (names) => held.read(names),
    compile: (graph, options) => held.compile(withRounding(graph), options),
    revert: () => held.revert(),
    get traffic() {
      return held.traffic;
    },
    release: () => held.release(),
  };
}

/** The graph with each value of 16 bits as one of float32 that holds what is left after rounding. */
function withRounding(graph: Graph): Graph {
  const names = [...graph.outputs.keys()];
  const values = rewrite([...graph.outputs.values()], (node, { op, dtype, inputs }) => {
    const [x] = node.inputs;
    if (op === "Cast" && isNarrow(inputs[0]!.dtype)) return x;
    if (!isNarrow(dtype)) return undefined;
    const rounded = (value: Value) => cast(cast(value, dtype), "float32");
    if (op === "Cast") return rounded(x!);
    const wide = makeValue(op, node.inputs, node.attributes, node.shape, "float32");
    return op === "MatMul" || op === "Gemm" ? rounded(wide) : wide;
  });
  return graphOf(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
}
