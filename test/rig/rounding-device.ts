import type { CompileOptions, Device } from "../../compute/device.ts";
import { type Graph, graphOf, makeValue, type Value } from "../../compute/graph.ts";
import { cast } from "../../compute/ops/elementwise.ts";
import { rewrite } from "../../compute/rewrite.ts";

/**
 * A processor with products in 16 bits, as tensor cores have them but for the order of sums: ONNX Runtime rounds to
 * float16 where a graph says so and multiplies in float32; what is bfloat16 is made of casts here.
 */
export function roundingDevice(device: Device): Device {
  return {
    ...device,
    compile: (graph, options?: CompileOptions) => device.compile(withRounding(graph), options),
    lacksPrecision: async () => undefined,
  };
}

/** The graph with each value of bfloat16 as one of float32 that holds what is left after rounding. */
export function withRounding(graph: Graph): Graph {
  const names = [...graph.outputs.keys()];
  const values = rewrite([...graph.outputs.values()], (node, { op, dtype, inputs }) => {
    const [x] = node.inputs;
    if (op === "Cast" && inputs[0]!.dtype === "bfloat16") return x;
    if (dtype !== "bfloat16") return undefined;
    if (op === "Cast") return rounded(x!);
    const wide = makeValue(op, node.inputs, node.attributes, node.shape, "float32");
    return op === "MatMul" || op === "Gemm" ? rounded(wide) : wide;
  });
  return graphOf(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
}

function rounded(x: Value): Value {
  return cast(cast(x, "bfloat16"), "float32");
}
