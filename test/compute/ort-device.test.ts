import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorData } from "../../compute/device.ts";
import { numberOf } from "../../compute/devices/cuda/cuda.ts";
import { openOrtApi } from "../../compute/devices/onnxruntime/ort-api.ts";
import { type OrtProvider, OrtSession } from "../../compute/devices/onnxruntime/ort-session.ts";
import { constant, graphOf, input } from "../../compute/graph.ts";
import { copyModel } from "../../compute/onnx/copy-model.ts";
import * as ops from "../../compute/ops.ts";
import { howToGetOrt, openOrtCpu, ortCpu } from "../rig/ort-cpu-device.ts";

// What CUDA is reached by, ONNX Runtime's C functions, with the processor's provider in CUDA's place.

const skip = process.platform !== "linux" && howToGetOrt;

test("says what it is", { skip }, async () => {
  const { kind, runtime, platform } = (await openOrtCpu()).facts;
  assert.equal(kind, "cpu");
  assert.match(runtime, /^onnxruntime 1\.\d+\.\d+$/);
  assert.equal(platform, `${process.platform}-${process.arch}`);
});

test("what ONNX Runtime refuses is thrown in its words, and the session goes on", {
  skip,
}, async () => {
  const api = await openOrtApi();
  assert.throws(() => new OrtSession(api, ortCpu, Uint8Array.of(1, 2, 3)), {
    message: "Failed to load model because protobuf parsing failed.",
  });
  const session = new OrtSession(api, ortCpu, copyModel());
  for (let run = 0; run < 2; run++)
    assert.throws(() => session.run(new Map(), new Map()), {
      message: "At least one output should be requested.",
    });
  session.release();
});

test("all devices of a process share the functions, which know that a device was lost", {
  skip,
}, async () => {
  assert.equal(await openOrtApi(), await openOrtApi());
});

test("an operation that would fall back to the processor is refused", { skip }, async () => {
  const without: OrtProvider = {
    ...ortCpu,
    append: (api, options) =>
      api.call("AddSessionConfigEntry", options, "session.disable_cpu_ep_fallback", "1"),
  };
  const api = await openOrtApi();
  assert.throws(() => new OrtSession(api, without, copyModel()), {
    message:
      "This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.",
  });
});

test("a library of another version, none, and koffi missing: what to do", { skip }, async () => {
  const refusal = (message: RegExp, hint: string) => ({
    name: "DeviceError",
    code: "device-missing",
    message,
    hint,
  });
  await assert.rejects(
    openOrtApi({ version: "1.29.0" }),
    refusal(
      /libonnxruntime\.so\.1 is ONNX Runtime 1\.\d+\.\d+, not 1\.29\.0\.$/,
      "install tunesmith's packages again: npm ci",
    ),
  );
  const again =
    "install tunesmith's packages again, with the optional ones (koffi's own binary is one): npm ci";
  await assert.rejects(
    openOrtApi({ path: "/nowhere/libonnxruntime.so.1" }),
    refusal(
      /^ONNX Runtime's C functions could not be loaded from \/nowhere\/libonnxruntime.so.1: /,
      again,
    ),
  );
  const withoutKoffi = () => Promise.reject(new Error("Cannot find package 'koffi'"));
  await assert.rejects(
    openOrtApi({ loadKoffi: withoutKoffi }),
    refusal(/could not be loaded from .*: Cannot find package 'koffi'$/, again),
  );
});

test("200 graphs that are made, run and released leave no memory behind", { skip }, async () => {
  const device = await openOrtCpu();
  const held = device.hold!();
  const size = 512 * 1024;
  const large: TensorData = { dtype: "float32", shape: [size], data: new Float32Array(size) };
  const [w, x] = [input("w", [size]), input("x", [size])];
  // A constant, so that a session takes memory by itself.
  const weighted = ops.mul(ops.reshape(x, [4, size / 4]), constant(new Float32Array(size / 4)));
  const sum = ops.add(ops.reduceSum(ops.mul(w, x), [0]), ops.reduceSum(weighted, [0, 1]));
  const graph = graphOf({ next: ops.add(w, x), sum });
  const once = async () => {
    await held.write([["w", large]]);
    const executable = await held.compile(graph, { next: new Map([["next", "w"]]) });
    await executable.run({ x: large });
    await executable.release();
  };
  for (let run = 0; run < 10; run++) await once();
  const before = process.memoryUsage.rss();
  for (let run = 0; run < 200; run++) await once();
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  await held.release();
  assert.ok(
    grown < 60,
    `${grown.toFixed(0)} MB more, of tensors of 2 MB and sessions of half a MB`,
  );
});

test("what the pool of all sessions keeps goes back when held tensors are released", {
  skip,
}, async () => {
  const held = (await openOrtCpu()).hold!();
  const shape = [16 * 1024 * 1024];
  const data = new Float32Array(shape[0]!);
  await held.write([["w", { dtype: "float32", shape, data }]]);
  const before = process.memoryUsage.rss();
  await held.release();
  const returned = (before - process.memoryUsage.rss()) / 2 ** 20;
  assert.ok(returned > 48, `${returned.toFixed(0)} MB of 64 are given back`);
});

test("CUDA counts the devices that it sees", () => {
  assert.deepEqual(
    [
      numberOf(undefined, "2,5"),
      numberOf("5", "2, 5"),
      numberOf("GPU-7", "GPU-3,GPU-7"),
      numberOf("1", undefined),
    ],
    [0, 1, 1, 1],
  );
  const refused = (id: string, visible: string | undefined) =>
    assert.throws(() => numberOf(id, visible), {
      name: "DeviceError",
      code: "device-missing",
      message: `The stage was lent the graphics device ${id}, which CUDA_VISIBLE_DEVICES does not name.`,
    });
  refused("5", "0,1");
  refused("GPU-7", undefined);
});
