import { writeModel } from "./model-proto.ts";

/** A model whose output `y` is a copy of its input `x`, a float32 tensor of any shape. */
export function copyModel(): Uint8Array {
  return writeModel({
    name: "copy",
    inputs: [{ name: "x", dtype: "float32" }],
    outputs: [{ name: "y", dtype: "float32" }],
    initializers: new Map(),
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"], attributes: {} }],
  });
}
