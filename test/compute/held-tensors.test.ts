import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../compute/device.ts";
import { graphOf, input } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { howToGetOrt, openOrtCpu } from "../rig/ort-cpu-device.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

// Tensors that a device holds: WebGPU's, and those that CUDA is reached by, with the processor in its place.

const isLinux = process.platform === "linux";
const webgpu = testAdapter() && (await openTestWebgpu());
const ortCpu = isLinux ? await openOrtCpu() : undefined;

function each(title: string, run: (device: Device) => Promise<void>): void {
  const skipWebgpu = webgpu === undefined && howToGetSoftwareAdapter;
  test(`webgpu: ${title}`, { skip: skipWebgpu }, () => run(webgpu!));
  test(`cpu, as cuda is reached: ${title}`, { skip: !isLinux && howToGetOrt }, () => run(ortCpu!));
}

const floats = (...data: number[]) =>
  ({ dtype: "float32", shape: [data.length], data: Float32Array.from(data) }) as const;

each(
  "a held tensor is read as it was before the run that replaces it, run after run",
  async (device) => {
    const held = device.hold!();
    await held.write([["w", floats(1, 2)]]);
    const [w, x] = [input("w", [2]), input("x", [2])];
    const graph = graphOf({ y: ops.add(w, x), next: ops.mul(w, 2), sum: ops.reduceSum(w, [0]) });
    const executable = await held.compile(graph, { next: new Map([["next", "w"]]) });
    const seen = [];
    for (let run = 0; run < 3; run++) seen.push(await executable.run({ x: floats(10, 10) }));
    const sum = (value: number) => ({ ...floats(value), shape: [] });
    assert.deepEqual(seen, [
      { y: floats(11, 12), sum: sum(3) },
      { y: floats(12, 14), sum: sum(6) },
      { y: floats(14, 18), sum: sum(12) },
    ]);
    assert.deepEqual(Object.fromEntries(await held.read(["w"])), { w: floats(8, 16) });
    assert.deepEqual(held.traffic, { toDevice: 8 + 3 * 8, toHost: 3 * (8 + 4) + 8 });
    held.revert();
    assert.deepEqual(Object.fromEntries(await held.read(["w"])), { w: floats(4, 8) });
    assert.deepEqual((await executable.run({ x: floats(0, 0) })).y, floats(4, 8));
    await held.write([["w", floats(5, 5)]]);
    assert.deepEqual((await executable.run({ x: floats(0, 0) })).y, floats(5, 5));
    await executable.release();
    await held.release();
  },
);

each(
  "what is written anew under a graph that was compiled is what its next run reads",
  async (device) => {
    const held = device.hold!();
    await held.write([["w", floats(1, 2)]]);
    const executable = await held.compile(graphOf({ y: ops.mul(input("w", [2]), 2) }));
    const before = await executable.run({});
    await held.write([["w", floats(5, 6)]]);
    const after = await executable.run({});
    await executable.release();
    await held.release();
    assert.deepEqual([before, after], [{ y: floats(2, 4) }, { y: floats(10, 12) }]);
  },
);
