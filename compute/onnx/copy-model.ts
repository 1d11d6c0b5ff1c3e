import { type OnnxValueInfo, writeModel } from "./model-proto.ts";

/** A model whose output `y` is a copy of its input `x`, a float32 tensor of `rank` axes of any sizes. */
export function copyModel(rank: number): Uint8Array {
  const info = (name: string): OnnxValueInfo => ({
    name,
    dtype: "float32",
    sizes: new Array<undefined>(rank).fill(undefined),
  });
  return writeModel({
    name: "copy",
    inputs: [info("x")],
    outputs: [info("y")],
    initializers: new Map(),
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"], attributes: {} }],
  });
}
