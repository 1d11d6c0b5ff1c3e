import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseLargeTensors } from "../../compute/devices/webgpu/refuse-large-tensors.ts";
import { openWebgpuDevice } from "../../compute/devices/webgpu/webgpu.ts";
import { graphOf, input } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";

const adapter = testAdapter();

/** Logits of 16 texts of 128 tokens over 30,522 words: 250 MB. */
const logits = graphOf({
  logits: ops.matMul(input("x", [2048, 768]), input("word_embeddings", [768, 30522])),
});
const smallerBatch = {
  name: "DeviceError",
  code: "device-memory",
  message:
    "The graphics device takes tensors of up to 134217728 bytes: the result of MatMul, [2048, 30522] has 250036224.",
  hint: "lower per_device_train_batch_size and raise gradient_accumulation_steps as much, lower max_length, or run with --device cpu",
};
const smallerModel = {
  name: "DeviceError",
  code: "device-memory",
  message:
    'The graphics device takes tensors of up to 80000000 bytes: "word_embeddings" [768, 30522] has 93763584.',
  hint: "take a smaller model, or run with --device cpu",
};

test("the largest tensor is named, with the limit and what to change", () => {
  refuseLargeTensors(logits, 250036224);
  assert.throws(() => refuseLargeTensors(logits, 2 ** 27), smallerBatch);
  const sum = graphOf({ sum: ops.reduceSum(input("word_embeddings", [768, 30522]), [0, 1]) });
  assert.throws(() => refuseLargeTensors(sum, 8e7), smallerModel);
});

test("a device refuses before anything runs: graphs, and weights that are to stay on it", {
  skip: adapter === undefined && howToGetSoftwareAdapter,
}, async () => {
  Object.assign(process.env, adapter);
  const device = await openWebgpuDevice({ largestTensor: 2 ** 27 });
  await assert.rejects(device.compile(logits), smallerBatch);
  const held = device.hold!();
  const [shape, data] = [[2 ** 25 + 1], new Float32Array(2 ** 25 + 1)];
  await assert.rejects(held.write([["w", { dtype: "float32", shape, data }]]), {
    ...smallerModel,
    message:
      "The graphics device takes tensors of up to 134217728 bytes: a weight [33554433] has 134217732.",
  });
  await held.release();
});
