import { type Graph, graphOf, input, type Value } from "../compute/graph.ts";
import { exportOnnx } from "../compute/onnx/export-onnx.ts";
import * as ops from "../compute/ops.ts";
import { type BatchSizes, batchInputs } from "./batch-inputs.ts";
import { noDropout } from "./layers.ts";
import type { Model, ModelOutput } from "./model.ts";
import type { Parameters } from "./parameters.ts";

/**
 * The ONNX files of a model by their names, as transformers.js opens them: onnx/model.onnx, whose inputs
 * are the model's (int64 [batch, sequence], of any sizes up to the longest row) and whose outputs are
 * `logits`, or `start_logits` and `end_logits`, or `last_hidden_state`.
 */
export function exportModel(model: Model, parameters: Parameters): ReadonlyMap<string, Uint8Array> {
  const bytes = exportOnnx(
    ({ batch, sequence = 1 }) => inferenceGraph(model, { rows: batch!, length: sequence }),
    {
      parameters: Object.fromEntries(parameters),
      dynamicSizes: model.maxLength > 1 ? ["batch", "sequence"] : ["batch"],
      largest: { sequence: model.maxLength },
      name: model.task.replace(/-classification$/, "-classifier").replaceAll("-", "_"),
    },
  );
  return new Map([["onnx/model.onnx", bytes]]);
}

/** The graph of a model's named outputs for a batch of int64; parameters are inputs by their names. */
export function inferenceGraph(model: Model, sizes: BatchSizes): Graph {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const batch = batchInputs(model, sizes, "int64");
  return graphOf(namedOutputs(model, model.compute(params, batch, noDropout)));
}

function namedOutputs({ task }: Model, { logits }: ModelOutput): Readonly<Record<string, Value>> {
  if (task === "feature-extraction") return { last_hidden_state: logits };
  if (task !== "question-answering") return { logits };
  const [rows, length] = logits.shape as [number, number, number];
  const [start, end] = ops.split(logits, [1, 1], 2).map((x) => ops.reshape(x, [rows, length]));
  return { start_logits: start!, end_logits: end! };
}
