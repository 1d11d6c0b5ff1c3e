import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../compute/device.ts";
import { DeviceError } from "../../compute/device-error.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { tryProduct } from "../../compute/devices/try-product.ts";
import { toText } from "../../compute/graph.ts";

/** A device whose every run fails with this. */
const failing =
  (error: Error): Device["compile"] =>
  async () => ({ run: async () => Promise.reject(error), release: async () => {} });

/** A device whose every result is this number, and what it was told to compute; then to release. */
function answering(number: number) {
  const told: string[] = [];
  const compile: Device["compile"] = async (graph) => ({
    async run(inputs) {
      assert.deepEqual(inputs, {
        x: { dtype: "float32", shape: [1, 1], data: Float32Array.of(2) },
      });
      told.push(toText(graph));
      return { y: { dtype: "float32", shape: [1, 1], data: Float32Array.of(number) } };
    },
    release: async () => void told.push("release"),
  });
  return { compile, told };
}

test("one product is tried, in the type", async () => {
  const { compile, told } = answering(4);
  assert.equal(await tryProduct(compile, "bfloat16"), undefined);
  assert.deepEqual(told, [
    `inputs x:float32[1,1]
%1:bfloat16[1,1] = Cast[to=bfloat16] x
%2:bfloat16[1,1] = MatMul %1 %1
%3:float32[1,1] = Cast[to=float32] %2
outputs y=%3`,
    "release",
  ]);
});

test("what ONNX Runtime says of a device without the type is told in words", async () => {
  const told = [
    [
      "shader_helper.cc:416 GenerateSourceCode Program Cast requires f16 but the device does not support it.",
      "its adapter has no shader-f16",
    ],
    [
      "Non-zero status code returned while running MatMul node. Name:'MatMul %2' Status Message: CUBLAS failure 15: the functionality is not supported ; GPU=0",
      "cuBLAS has no such products for its GPU; those of compute capability 8.0 and later have them",
    ],
    ["no kernel\nin two lines", "no kernel"],
  ] as const;
  for (const [message, reason] of told)
    assert.equal(await tryProduct(failing(new Error(message)), "bfloat16"), reason);
});

test("no memory, or a lost device, is an error: of the type it says nothing", async () => {
  const error = new DeviceError("device-memory", "There is no memory.", "lower the batch");
  await assert.rejects(tryProduct(failing(error), "bfloat16"), error);
});

test("a product that is wrong is a reason, too", async () => {
  const { compile } = answering(0);
  assert.equal(await tryProduct(compile, "float16"), "its float16 computes 2 * 2 = 0");
});

test("ONNX Runtime has no product in bfloat16 on the processor, and one in float16", async () => {
  const { compile } = await openOnnxruntimeDevice({ threads: 1, spinning: false });
  assert.equal(await tryProduct(compile, "float16"), undefined);
  const reason = await tryProduct(compile, "bfloat16");
  assert.match(reason!, /^Could not find an implementation for MatMul\(13\)/);
});
