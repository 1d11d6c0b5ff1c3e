import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { TensorData } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { graphOf, input, nameOf } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { encoderTensor, smallEncoder } from "../rig/small-encoder.ts";

function digestOf(tensors: Readonly<Record<string, TensorData>>): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(tensors).sort()) {
    const { data } = tensors[name]!;
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

test("a training step gives the same bits in every run, with 1, 2 and 4 threads", async () => {
  const { loss, logits, parameters } = smallEncoder({ batch: 4, length: 33, width: 96, heads: 4 });
  const { graph } = gradientGraph({ loss, logits }, parameters);
  const inputs = Object.fromEntries(
    graph.inputs.map((value) => [nameOf(value), encoderTensor(value)]),
  );
  const digests = new Set<string>();
  for (const threads of [1, 2, 4])
    for (const spinning of [true, false]) {
      const device = await openOnnxruntimeDevice({ threads, spinning });
      const executable = await device.compile(graph);
      for (let run = 0; run < 2; run++) digests.add(digestOf(await executable.run(inputs)));
      await executable.release();
    }
  assert.equal(digests.size, 1);
});

test("says what it is", async () => {
  const { facts } = await openOnnxruntimeDevice({ threads: 3 });
  assert.equal(facts.kind, "cpu");
  assert.match(facts.runtime, /^onnxruntime 1\.\d+\.\d+$/);
  assert.equal(facts.platform, `${process.platform}-${process.arch}`);
  assert.match(facts.instructionSet, /^(avx512|avx2|avx|neon|unknown)$/);
  assert.equal(facts.threads, 3);
});

const x = input("x", [2, 2]);
const floats = (...data: number[]): TensorData => ({
  dtype: "float32",
  shape: [2, 2],
  data: Float32Array.from(data),
});

test("takes a map or a record, leaves out what the graph does not read, keeps earlier outputs", async () => {
  const device = await openOnnxruntimeDevice({ threads: 1 });
  const executable = await device.compile(
    graphOf({ y: ops.neg(x), same: x, again: x, z: ops.neg(x) }),
  );
  const first = await executable.run({ x: floats(1, 2, 3, 4), other: floats(0, 0, 0, 0) });
  const second = await executable.run(new Map([["x", floats(5, 6, 7, 8)]]));
  assert.deepEqual(first, {
    y: floats(-1, -2, -3, -4),
    same: floats(1, 2, 3, 4),
    again: floats(1, 2, 3, 4),
    z: floats(-1, -2, -3, -4),
  });
  assert.deepEqual(second.y, floats(-5, -6, -7, -8));
  await executable.release();
});

test("refuses a missing input, another shape, type or length", async () => {
  const device = await openOnnxruntimeDevice({ threads: 1 });
  const executable = await device.compile(graphOf({ y: ops.neg(x) }));
  const refusal = (message: string) => ({ name: "DeviceError", code: "device-input", message });
  await assert.rejects(
    executable.run({}),
    refusal('The graph needs an input "x": float32 [2, 2].'),
  );
  await assert.rejects(
    executable.run({ x: { ...floats(1, 2, 3, 4), shape: [4] } }),
    refusal('Input "x" is float32 [4] with 4 elements; the graph reads float32 [2, 2].'),
  );
  await assert.rejects(
    executable.run({ x: { ...floats(1, 2, 3, 4), dtype: "int32" } }),
    refusal('Input "x" is int32 [2, 2] with 4 elements; the graph reads float32 [2, 2].'),
  );
  await assert.rejects(
    executable.run({ x: floats(1, 2, 3) }),
    refusal('Input "x" is float32 [2, 2] with 3 elements; the graph reads float32 [2, 2].'),
  );
  await executable.release();
});

test("products of few rows give the same bits with 1, 2 and 4 threads", async () => {
  for (const [rows, length, columns] of [
    [1, 300, 96],
    [2, 384, 96],
    [16, 1536, 384],
    [100, 300, 256],
    [33, 300, 50],
  ] as const) {
    const y = ops.linear(
      input("x", [rows, length]),
      input("w", [columns, length]),
      input("b", [columns]),
    );
    const graph = graphOf({ y });
    const inputs = Object.fromEntries(
      graph.inputs.map((value) => [nameOf(value), encoderTensor(value)]),
    );
    const digests = new Set<string>();
    for (const threads of [1, 2, 4]) {
      const device = await openOnnxruntimeDevice({ threads, spinning: false });
      const executable = await device.compile(graph);
      digests.add(digestOf(await executable.run(inputs)));
      await executable.release();
    }
    assert.equal(digests.size, 1, `${rows} x ${length} x ${columns}`);
  }
});
