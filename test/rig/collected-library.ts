import { graphOf, input } from "../../compute/graph.ts";
import { add } from "../../compute/ops/elementwise.ts";
import { openOrtCpu } from "./ort-cpu-device.ts";

// A program, to be run with --expose-gc: computes through ONNX Runtime's C functions after all that refers to their
// library has been collected, and ends with a session open.

const device = await openOrtCpu();
for (let turn = 0; turn < 5; turn++) {
  gc!();
  await new Promise((resolve) => setTimeout(resolve, 10)); // finalizers have turns of their own
}
const a = input("a", [1]);
const executable = await device.compile(graphOf({ twice: add(a, a) }));
const { twice } = await executable.run({
  a: { dtype: "float32", shape: [1], data: Float32Array.of(21) },
});
process.stdout.write(String(twice!.data[0]));
