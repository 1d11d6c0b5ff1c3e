import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { TensorData } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime.ts";
import { nameOf } from "../../compute/graph.ts";
import { exportModel, inferenceGraph } from "../../models/export-model.ts";
import { architectures } from "../../models/index.ts";
import type { Task } from "../../models/model.ts";
import { createModel } from "../../models/pretrained.ts";
import { assertClose } from "../rig/assert-close.ts";
import { smallConfigs, twins } from "../rig/small-configs.ts";

const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });

/** Rows of tokens 2 to 7, each one shorter than the one before, padded with the family's padding. */
function sampleInt64(name: string, shape: readonly number[], padTokenId: number): BigInt64Array {
  const width = shape[1]!;
  return BigInt64Array.from({ length: shape[0]! * width }, (_, i) => {
    const [row, at] = [Math.floor(i / width), i % width];
    const isToken = at < Math.max(1, width - row);
    if (name === "attention_mask") return BigInt(isToken);
    if (name === "token_type_ids") return BigInt(at % 2);
    return BigInt(isToken ? 2 + ((5 * at + row) % 6) : padTokenId);
  });
}

for (const { modelType, classNames } of architectures.filter((one) => !twins[one.modelType]))
  for (const task of Object.keys(classNames) as Task[])
    test(`${modelType} for ${task}: the ONNX file computes what the model computes`, async () => {
      const config = { model_type: modelType, ...smallConfigs[modelType], initializer_range: 0.5 };
      const labels = ["a", "b", "c"];
      const { model, parameters } = createModel(config, { task, labels, seed: 1 });
      const bytes = exportModel(model, parameters).get("onnx/model.onnx")!;
      const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
      assert.deepEqual([...session.inputNames].sort(), [...model.inputs].sort());
      for (const [rows, length] of [
        [1, 1],
        [2, 3],
        [3, 5],
      ] as const) {
        const graph = inferenceGraph(model, { rows, length });
        assert.deepEqual(session.outputNames, [...graph.outputs.keys()]);
        const given = graph.inputs
          .filter((value) => !parameters.has(nameOf(value)))
          .map(({ shape, attributes: { name } }) => {
            const data = sampleInt64(name as string, shape, model.padTokenId);
            return [name as string, { dtype: "int64" as const, shape, data }] as const;
          });
        const executable = await device.compile(graph);
        const expected = await executable.run(
          new Map<string, TensorData>([...parameters, ...given]),
        );
        await executable.release();
        const feeds = given.map(([name, { shape, data }]) => {
          return [name, new Tensor("int64", data, shape)] as const;
        });
        const found = await session.run(Object.fromEntries(feeds));
        for (const [name, { shape, data }] of Object.entries(expected)) {
          assert.deepEqual(found[name]!.dims, shape);
          assertClose(
            found[name]!.data as Float32Array,
            data,
            1e-5,
            `${name} of ${rows}x${length}`,
          );
        }
      }
    });
