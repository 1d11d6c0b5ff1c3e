/**
 * Runs a training step of a 6-layer BERT or Llama a few times, in a process of its own: prints the bytes that its tensors were
 * foretold to take, and by how much the process grew in its cleanest run. Linux; `node --expose-gc`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { nameOf, newArray, sizeOf } from "../../compute/graph.ts";
import { createModel } from "../../models/pretrained.ts";
import { trainingGraph } from "../../training/training-graph.ts";

const RUNS = 5;
const [, , way, family = "bert"] = process.argv;
const checkpointing = way === "checkpointing";
const config = {
  model_type: family,
  vocab_size: 1000,
  hidden_size: 256,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  intermediate_size: 1024,
  max_position_embeddings: 128,
};
const { model } = createModel(config, {
  task: family === "bert" ? "sequence-classification" : "causal-lm",
  labels: ["a", "b"],
  seed: 1,
});
const device = await openOnnxruntimeDevice({ threads: 1 });
const { graph } = trainingGraph(model, { rows: 8, length: 128 }, { checkpointing });
const foretold = device.peakBytes!(graph, { repeats: checkpointing });
const executable = await device.compile(graph, { repeats: checkpointing });
const inputs = new Map(
  graph.inputs.map((value) => {
    const { shape, dtype } = value;
    return [nameOf(value), { shape, dtype, data: newArray(dtype, sizeOf(shape)) }];
  }),
);
/** A line of the process's status, in bytes. */
function statusOf(name: "VmRSS" | "VmHWM"): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return 1024 * Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]);
}

let [before, peak] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
for (let run = 0; run < RUNS; run++) {
  globalThis.gc!();
  before = Math.min(before, statusOf("VmRSS"));
  writeFileSync("/proc/self/clear_refs", "5"); // the peak begins anew
  await executable.run(inputs);
  peak = Math.min(peak, statusOf("VmHWM"));
}
console.log(JSON.stringify({ foretold, taken: peak - before }));
