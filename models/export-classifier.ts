import { type Graph, graphOf, input } from "../compute/graph.ts";
import { exportOnnx } from "../compute/onnx/export-onnx.ts";
import { noDropout } from "./layers.ts";
import type { SequenceClassifier } from "./model.ts";
import type { Parameters } from "./parameters.ts";

/**
 * A classifier as an ONNX file, as transformers.js opens it: inputs input_ids, attention_mask and token_type_ids
 * (int64 [batch, sequence], of any sizes up to the model's longest row), output logits (float32 [batch, labels]).
 */
export function exportClassifier(model: SequenceClassifier, parameters: Parameters): Uint8Array {
  return exportOnnx(({ batch, sequence = 1 }) => classifierGraph(model, [batch!, sequence]), {
    parameters: Object.fromEntries(parameters),
    dynamicSizes: model.maxLength > 1 ? ["batch", "sequence"] : ["batch"],
    largest: { sequence: model.maxLength },
    name: "sequence_classifier",
  });
}

/** The graph of a classifier's logits for a batch of one shape; parameters are inputs by their names. */
export function classifierGraph(
  model: SequenceClassifier,
  shape: readonly [batch: number, sequence: number],
): Graph {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const batch = {
    inputIds: input("input_ids", shape, "int64"),
    attentionMask: input("attention_mask", shape, "int64"),
    tokenTypeIds: input("token_type_ids", shape, "int64"),
  };
  return graphOf({ logits: model.classify(params, batch, noDropout).logits });
}
