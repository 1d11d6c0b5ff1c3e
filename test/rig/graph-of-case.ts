import { gradients } from "../../compute/autodiff.ts";
import { constant, type Graph, graphOf, input, nameOf, sizeOf } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import type { OperationCase } from "./operation-cases.ts";

/** A case's value y, the scalar loss = Σ y[i]·(cos i + 0.3), and its gradients g.<input>, as one graph. */
export function graphOfCase({ inputs, build }: OperationCase): { graph: Graph; floats: string[] } {
  const values = Object.entries(inputs).map(([name, { shape, dtype }]) =>
    input(name, shape, dtype),
  );
  const y = build(Object.fromEntries(values.map((value) => [nameOf(value), value])));
  const weights = Array.from({ length: sizeOf(y.shape) }, (_, i) => Math.cos(i) + 0.3);
  const weighted = ops.mul(y, ops.reshape(constant(weights), y.shape));
  const loss = ops.reduceSum(
    weighted,
    weighted.shape.map((_, axis) => axis),
  );
  const floats = values.filter((value) => value.dtype === "float32");
  const found = gradients(loss, floats).map((g, i) => [`g.${nameOf(floats[i]!)}`, g] as const);
  return { graph: graphOf({ y, loss, ...Object.fromEntries(found) }), floats: floats.map(nameOf) };
}
