import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import tf from "@tensorflow/tfjs-core";
import type { TensorData } from "../../compute/device.ts";
import { openTfjsDevice } from "../../compute/devices/tfjs/tfjs.ts";
import { tfOperations } from "../../compute/devices/tfjs/tfjs-operations.ts";
import { tfjsRuntimeName } from "../../compute/devices/tfjs/tfjs-runtime.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { graphOf, input, nameOf } from "../../compute/graph.ts";
import { lowerings } from "../../compute/onnx/lowering.ts";
import * as ops from "../../compute/ops.ts";
import { encoderTensor, smallEncoder } from "../rig/small-encoder.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const kinds = ["tfjs-cpu", "tfjs-wasm"] as const;
const floats = (...data: number[]): TensorData => ({
  dtype: "float32",
  shape: [data.length],
  data: Float32Array.from(data),
});

// First, while no backend has started: wasm takes a while.
test("two backends at once do not meet, whichever is opened or runs first", async () => {
  const x = input("x", [2]);
  const runOn = async (kind: (typeof kinds)[number]) => {
    const executable = await (await openTfjsDevice(kind)).compile(graphOf({ y: ops.exp(x) }));
    const { y } = await executable.run({ x: floats(0, 0) });
    await executable.release();
    return [...y!.data];
  };
  const found = await Promise.all([...kinds, ...kinds, ...kinds].map(runOn));
  assert.deepEqual(found, new Array(6).fill([1, 1]));
});

for (const kind of kinds) {
  test(`${kind}: a training step leaves nothing behind, and neither does one that fails`, async () => {
    const { loss, logits, parameters } = smallEncoder({ batch: 2, length: 5, width: 8, heads: 2 });
    const { graph } = gradientGraph({ loss, logits }, parameters);
    const inputs = Object.fromEntries(graph.inputs.map((v) => [nameOf(v), encoderTensor(v)]));
    const device = await openTfjsDevice(kind);
    const empty = tf.memory().numTensors;
    const executable = await device.compile(graph);
    const before = tf.memory().numTensors;
    const outputs = await executable.run(inputs);
    assert.equal(tf.memory().numTensors, before); // the outputs are on the host
    assert.deepEqual(Object.keys(outputs), [...graph.outputs.keys()]);
    const [x, ids] = [input("x", [2]), input("ids", [1], "int32")];
    const wrong = await device.compile(graphOf({ y: ops.gather(ops.exp(x), ids) }));
    const nine = { dtype: "int32", shape: [1], data: Int32Array.of(9) } as const;
    await assert.rejects(wrong.run({ x: floats(1, 2), ids: nine }), /the index value 9/);
    assert.equal(tf.memory().numTensors, before);
    await executable.release();
    await wrong.release();
    assert.equal(tf.memory().numTensors, empty);
  });

  test(`${kind}: a tensor is freed after its last use`, async () => {
    let x = input("x", [1000]);
    for (let i = 0; i < 50; i++) x = ops.tanh(x);
    const device = await openTfjsDevice(kind);
    const executable = await device.compile(graphOf({ y: x }));
    const before = tf.memory().numBytes;
    const { peakBytes } = await tf.profile(async () => {
      await executable.run({ x: floats(...new Array(1000).fill(1)) });
      return [];
    });
    await executable.release();
    assert.equal(peakBytes - before, 2 * 4000); // what one operation reads and makes
  });

  test(`${kind}: outputs are in memory of their own`, async () => {
    const x = input("x", [2]);
    const device = await openTfjsDevice(kind);
    const same = { same: x, again: x, reshaped: ops.reshape(x, [1, 2]) };
    const executable = await device.compile(graphOf(same));
    const given = floats(1, 2);
    const { same: first, again, reshaped } = await executable.run({ x: given });
    first!.data[0] = 9;
    reshaped!.data[1] = 9;
    assert.deepEqual([given, again], [floats(1, 2), floats(1, 2)]);
    await executable.release();
  });

  test(`${kind}: says what it is`, async () => {
    const { facts } = await openTfjsDevice(kind);
    assert.equal(facts.kind, kind);
    assert.match(facts.runtime, new RegExp(`^${kind.replace("-", "-backend-")} 4\\.\\d+\\.\\d+$`));
    assert.equal(facts.runtime, tfjsRuntimeName(kind));
    assert.equal(facts.threads, 1);
  });
}

test("an input of another shape is refused; int64 beyond 32 bits too", async () => {
  const device = await openTfjsDevice("tfjs-cpu");
  const x = input("x", [2], "int64");
  const executable = await device.compile(graphOf({ y: ops.add(x, 1) }));
  const run = (data: bigint[], shape = [2]) =>
    executable.run({ x: { dtype: "int64", shape, data: BigInt64Array.from(data) } });
  assert.deepEqual((await run([-5n, 7n])).y!.data, BigInt64Array.of(-4n, 8n));
  await assert.rejects(run([1n], [1]), {
    code: "device-input",
    message: 'Input "x" is int64 [1] with 1 elements; the graph reads int64 [2].',
  });
  await assert.rejects(run([0n, 2n ** 31n]), {
    code: "device-input",
    message: "TensorFlow.js has no integers of 64 bits, and 2147483648 does not fit into 32.",
  });
  await executable.release();
});

test("every operation of an expanded graph is here", () => {
  const known = [...Object.keys(tfOperations), "Constant"];
  assert.deepEqual(known.sort(), Object.keys(lowerings).sort());
});

test("a package that is missing is named with how to get it; Node 23 is too new for tfjs-node", () => {
  assert.throws(() => tfjsRuntimeName("tfjs-node-gpu"), {
    name: "DeviceError",
    code: "device-missing",
    message: "@tensorflow/tfjs-node-gpu is not installed.",
    hint: "npm install @tensorflow/tfjs-node-gpu@4.22, which fetches libtensorflow; it needs CUDA 11 and cuDNN 8 (Linux or Windows, x64); for newer GPUs see docs/devices.md",
  });
  assert.throws(() => tfjsRuntimeName("tfjs-node", "23.1.0"), {
    code: "device-missing",
    message: "@tensorflow/tfjs-node 4.22 does not work on Node 23.1.0.",
    hint: "run with Node 22",
  });
});

/** A copy of compute/ beside a package of tfjs-node's whose index.js this is. */
async function runtimeBeside(t: TestContext, name: "tfjs-node" | "tfjs-node-gpu", index: string) {
  const manifest = { name: `@tensorflow/${name}`, version: "4.22.0", main: "index.js" };
  const own = `node_modules/@tensorflow/${name}`;
  const folder = await temporaryFolder(t, {
    "package.json": '{ "type": "module" }',
    [`${own}/package.json`]: JSON.stringify(manifest),
    [`${own}/index.js`]: index,
  });
  const compute = join(folder, "compute");
  await cp(new URL("../../compute", import.meta.url), compute, { recursive: true });
  const runtime = await import(join(compute, "devices/tfjs/tfjs-runtime.ts"));
  return runtime as typeof import("../../compute/devices/tfjs/tfjs-runtime.ts");
}

test("an addon that cannot be loaded says why, and what to do", async (t) => {
  const index = 'throw new Error("libtensorflow.so.2: no such file\\nmore")';
  const runtime = await runtimeBeside(t, "tfjs-node", index);
  assert.equal(runtime.tfjsRuntimeName("tfjs-node"), "tfjs-node 4.22.0");
  await assert.rejects(runtime.openTfjsRuntime("tfjs-node"), {
    name: "DeviceError",
    code: "device-missing",
    message: "@tensorflow/tfjs-node could not be loaded: libtensorflow.so.2: no such file",
    hint: "npm rebuild @tensorflow/tfjs-node --build-addon-from-source, or install it anew",
  });
});

test("tfjs-node-gpu computes on the graphics device that is lent, in float32; where TensorFlow finds none, that is an error", async (t) => {
  const names = ["CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE", "TF_FORCE_GPU_ALLOW_GROWTH"];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const [name] of before) delete process.env[name];
  t.after(() => {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });
  const index = `
    const started = ${JSON.stringify(names)}.map((name) => process.env[name]).join();
    exports.enableProdMode = () => {};
    exports.getBackend = () => "tensorflow";
    exports.backend = () => ({ isUsingGpuDevice: started === "3,0,true" });`;
  const open = async (gpu: string, options = {}) => {
    const runtime = await runtimeBeside(t, "tfjs-node-gpu", index);
    return runtime.openTfjsRuntime("tfjs-node-gpu", { gpu, ...options });
  };
  assert.equal((await open("3")).runtime, "tfjs-node-gpu 4.22.0");
  assert.equal((await open("2", { orProcessor: true })).backend, "tensorflow");
  await assert.rejects(open("2"), {
    name: "DeviceError",
    code: "device-missing",
    message:
      "TensorFlow found no NVIDIA device that it can use, and would compute on the processor.",
    hint: "what it printed says what is missing: NVIDIA's driver, or a library of CUDA or cuDNN, in the versions of its own libtensorflow; or use --device webgpu, which needs only the driver",
  });
});
