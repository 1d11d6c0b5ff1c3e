import assert from "node:assert/strict";
import { test } from "node:test";
import { constant, graphOf, input } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import { openDevice } from "../../stages/open-device.ts";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";

const adapter = testAdapter();

test("a kind of device that there is not fails the stage", async () => {
  await assert.rejects(openDevice({ kind: "gpu", threads: 1 }), (error) => {
    assert.ok(error instanceof StageFailure);
    assert.deepEqual(error.problem, {
      code: "device-not-supported",
      message: 'There is no device "gpu".',
      hint: "devices: cpu, webgpu, cuda, tfjs-cpu, tfjs-wasm, tfjs-node, tfjs-node-gpu",
    });
    return true;
  });
});

test("a device that has no memory left fails the stage, held tensors or not", {
  skip: adapter === undefined && howToGetSoftwareAdapter,
}, async () => {
  Object.assign(process.env, adapter);
  const device = await openDevice({ kind: "webgpu", threads: 1 });
  const [w, one] = [input("w", [1]), constant([1, 2])];
  const large = ops.expand(ops.mul(ops.reshape(one, [2, 1, 1]), w), [2, 2 ** 24, 1024]);
  const graph = graphOf({ y: ops.reduceSum(ops.exp(large), [0, 1, 2]) });
  const given = { dtype: "float32", shape: [1], data: Float32Array.of(0) } as const;
  const held = device.hold!();
  await held.write([["w", given]]);
  const failing = [
    async () => (await device.compile(graph)).run({ w: given }),
    async () => (await held.compile(graph)).run({}),
  ];
  for (const run of failing)
    await assert.rejects(run(), (error) => {
      assert.ok(error instanceof StageFailure);
      assert.equal(error.problem.code, "device-memory");
      assert.match(error.problem.hint!, /per_device_train_batch_size/);
      return true;
    });
});
