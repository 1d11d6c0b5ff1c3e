import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorData } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { loadRuntime } from "../../compute/devices/onnxruntime/session-executable.ts";
import { hostType, nameOf, sizeOf, type Value } from "../../compute/graph.ts";
import { exportModel } from "../../models/export-model.ts";
import { architectures } from "../../models/index.ts";
import type { Task } from "../../models/model.ts";
import { createModel } from "../../models/pretrained.ts";
import { assertClose } from "../rig/assert-close.ts";
import { smallConfigs, twins } from "../rig/small-configs.ts";

const { InferenceSession, Tensor } = await loadRuntime();

const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });

/** Rows of tokens 2 to 7, each one shorter than the one before, padded with the family's padding. */
function sampleInt64(name: string, shape: readonly number[], padTokenId: number): BigInt64Array {
  const width = shape[1]!;
  return BigInt64Array.from({ length: shape[0]! * width }, (_, i) => {
    const [row, at] = [Math.floor(i / width), i % width];
    const isToken = at < Math.max(1, width - row);
    if (name.endsWith("attention_mask")) return BigInt(isToken);
    if (name === "token_type_ids") return BigInt(at % 2);
    return BigInt(isToken ? 2 + ((5 * at + row) % 6) : padTokenId);
  });
}

/** A tensor for an input of a file: ids, a mask, or what an encoder could give. */
function sampleTensor({ shape, dtype, attributes }: Value, padTokenId: number): TensorData {
  if (dtype === "float32") {
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(3 * i));
    return { dtype, shape, data };
  }
  return { dtype: "int64", shape, data: sampleInt64(`${attributes.name}`, shape, padTokenId) };
}

const batchSizes = [
  [1, 1, 1],
  [2, 3, 4],
  [3, 5, 2],
] as const;

for (const { modelType, classNames } of architectures.filter((one) => !twins[one.modelType]))
  for (const task of Object.keys(classNames) as Task[])
    test(`${modelType} for ${task}: the ONNX files compute what the model computes`, async () => {
      const config = { model_type: modelType, ...smallConfigs[modelType], initializer_range: 0.5 };
      const labels = ["a", "b", "c"];
      const { model, parameters } = createModel(config, { task, labels, seed: 1 });
      for (const file of exportModel(model, parameters)) {
        const session = await InferenceSession.create(file.bytes, { intraOpNumThreads: 1 });
        for (const [rows, length, targetLength] of batchSizes) {
          const graph = file.graph({ rows, length, targetLength });
          const given = graph.inputs
            .filter((value) => !parameters.has(nameOf(value)))
            .map((value) => [nameOf(value), sampleTensor(value, model.padTokenId)] as const);
          assert.deepEqual(given.map(([name]) => name).sort(), [...session.inputNames].sort());
          assert.deepEqual(session.outputNames, [...graph.outputs.keys()]);
          const executable = await device.compile(graph);
          const expected = await executable.run(
            new Map<string, TensorData>([...parameters, ...given]),
          );
          await executable.release();
          const feeds = given.map(([name, { dtype, shape, data }]) => {
            return [name, new Tensor(hostType(dtype), data as never, shape)] as const;
          });
          const found = await session.run(Object.fromEntries(feeds));
          for (const [name, { shape, data }] of Object.entries(expected)) {
            assert.deepEqual(found[name]!.dims, shape);
            const what = `${name} of ${file.path} for ${rows}x${length}`;
            assertClose(found[name]!.data as Float32Array, data, 1e-5, what);
          }
        }
      }
    });

test("inputs, outputs and sizes have the names that transformers.js knows", async () => {
  const told: string[] = [];
  for (const modelType of ["bert", "gpt2", "t5"]) {
    const { classNames } = architectures.find((one) => one.modelType === modelType)!;
    for (const task of Object.keys(classNames) as Task[]) {
      const config = { model_type: modelType, ...smallConfigs[modelType] };
      const { model, parameters } = createModel(config, { task, labels: ["a", "b"], seed: 1 });
      for (const { path, bytes } of exportModel(model, parameters)) {
        const { inputMetadata, outputMetadata } = await InferenceSession.create(bytes);
        const shown = [inputMetadata, outputMetadata].map((all) =>
          all.map((one) => `${one.name}[${one.isTensor ? one.shape : ""}]`).join(" "),
        );
        told.push(`${modelType} ${task} ${path}: ${shown.join(" -> ")}`);
      }
    }
  }
  const ids = "input_ids[batch,sequence]";
  const mask = "attention_mask[batch,sequence]";
  const types = "token_type_ids[batch,sequence]";
  assert.deepEqual(told, [
    `bert sequence-classification onnx/model.onnx: ${ids} ${types} ${mask} -> logits[batch,2]`,
    `bert token-classification onnx/model.onnx: ${ids} ${types} ${mask} -> logits[batch,sequence,2]`,
    `bert question-answering onnx/model.onnx: ${ids} ${types} ${mask} -> start_logits[batch,sequence] end_logits[batch,sequence]`,
    `bert masked-lm onnx/model.onnx: ${ids} ${types} ${mask} -> logits[batch,sequence,8]`,
    `bert feature-extraction onnx/model.onnx: ${ids} ${types} ${mask} -> last_hidden_state[batch,sequence,4]`,
    `gpt2 causal-lm onnx/model.onnx: ${ids} ${mask} -> logits[batch,sequence,8]`,
    `gpt2 sequence-classification onnx/model.onnx: ${ids} ${mask} -> logits[batch,2]`,
    "gpt2 feature-extraction onnx/model.onnx: input_ids[batch,sequence] attention_mask[batch,sequence] -> last_hidden_state[batch,sequence,4]",
    `t5 sequence-to-sequence onnx/encoder_model.onnx: ${ids} ${mask} -> last_hidden_state[batch,sequence,6]`,
    "t5 sequence-to-sequence onnx/decoder_model.onnx: input_ids[batch,decoder_sequence] encoder_hidden_states[batch,encoder_sequence,6] encoder_attention_mask[batch,encoder_sequence] -> logits[batch,decoder_sequence,8]",
  ]);
});
