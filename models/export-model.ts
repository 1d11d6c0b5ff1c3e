import {
  type DType,
  type Graph,
  graphOf,
  input,
  type Shape,
  type Value,
} from "../compute/graph.ts";
import { exportOnnx } from "../compute/onnx/export-onnx.ts";
import * as ops from "../compute/ops.ts";
import { type BatchSizes, batchInputs } from "./batch-inputs.ts";
import { noDropout, type ParameterValues } from "./layers.ts";
import type { Model, ModelOutput } from "./model.ts";
import type { Parameters } from "./parameters.ts";

/** One ONNX file of a model. */
export interface OnnxFile {
  /** Its place in the model's folder: `onnx/model.onnx`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What it computes, for a batch of these sizes; the parameters are inputs by their names. */
  graph(sizes: BatchSizes): Graph;
}

interface Part {
  readonly path: string;
  readonly name: string;
  /** What each size is called in the file. */
  readonly sizeNames: Readonly<Partial<Record<keyof BatchSizes, string>>>;
  outputs(params: ParameterValues, sizes: BatchSizes): Readonly<Record<string, Value>>;
}

/**
 * The ONNX files of a model, with the inputs and outputs that transformers.js knows, int64 and float32, of any
 * batch and of any length up to the longest row. An encoder-decoder has a file for each half, others
 * have onnx/model.onnx. Language models give all logits at each call: there is no past in their files.
 */
export function exportModel(model: Model, parameters: Parameters): readonly OnnxFile[] {
  const parts = model.task === "sequence-to-sequence" ? bothHalves(model) : [whole(model)];
  return parts.map((part) => {
    const graph = (sizes: BatchSizes) => graphOf(part.outputs(parameterInputs(model), sizes));
    return { path: part.path, graph, bytes: bytesOf(part, { model, parameters, graph }) };
  });
}

function bytesOf(
  { name, sizeNames }: Part,
  { model, parameters, graph }: { model: Model; parameters: Parameters } & Pick<OnnxFile, "graph">,
): Uint8Array {
  const named = Object.entries(sizeNames) as [keyof BatchSizes, string][];
  // Where rows have one token at most, that is no size to choose.
  const chosen = named.filter(([size]) => size === "rows" || model.maxLength > 1);
  return exportOnnx(
    (sizes) => {
      const given = named.map(([size, dynamic]) => [size, sizes[dynamic] ?? 1] as const);
      return graph({ rows: 1, length: 1, ...Object.fromEntries(given) });
    },
    {
      parameters: Object.fromEntries(parameters),
      dynamicSizes: chosen.map(([, dynamic]) => dynamic),
      largest: Object.fromEntries(
        chosen.flatMap(([size, dynamic]) => (size === "rows" ? [] : [[dynamic, model.maxLength]])),
      ),
      name,
    },
  );
}

function whole(model: Model): Part {
  return {
    path: "onnx/model.onnx",
    name: model.task.replace(/-classification$/, "-classifier").replaceAll("-", "_"),
    sizeNames: { rows: "batch", length: "sequence" },
    outputs: (params, sizes) =>
      namedOutputs(model, model.compute(params, batchInputs(model, sizes, "int64"), noDropout)),
  };
}

function namedOutputs({ task }: Model, { logits }: ModelOutput): Readonly<Record<string, Value>> {
  if (task === "feature-extraction") return { last_hidden_state: logits };
  if (task !== "question-answering") return { logits };
  const [rows, length] = logits.shape as [number, number, number];
  const [start, end] = ops.split(logits, [1, 1], 2).map((x) => ops.reshape(x, [rows, length]));
  return { start_logits: start!, end_logits: end! };
}

function bothHalves(model: Model): Part[] {
  const encoder: Part = {
    path: "onnx/encoder_model.onnx",
    name: "encoder",
    sizeNames: { rows: "batch", length: "sequence" },
    outputs(params, sizes) {
      const batch = batchInputs(model, sizes, "int64");
      return { last_hidden_state: model.compute(params, batch, noDropout).encoded! };
    },
  };
  const decoder: Part = {
    path: "onnx/decoder_model.onnx",
    name: "decoder",
    sizeNames: { rows: "batch", length: "encoder_sequence", targetLength: "decoder_sequence" },
    outputs(params, { rows, length, targetLength = 1 }) {
      const given = (name: string, shape: Shape, dtype: DType) => input(name, shape, dtype);
      const attentionMask = given("encoder_attention_mask", [rows, length], "int64");
      const encoded = given("encoder_hidden_states", [rows, length, model.hiddenSize], "float32");
      const inputIds = given("input_ids", [rows, targetLength], "int64");
      const unread = given("encoder_input_ids", [rows, length], "int64"); // encoded stands for it
      const batch = { inputIds: unread, attentionMask, decoder: { inputIds, encoded } };
      return { logits: model.compute(params, batch, noDropout).logits };
    },
  };
  return [encoder, decoder];
}

function parameterInputs(model: Model): ParameterValues {
  return new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
}
