import assert from "node:assert/strict";
import { test } from "node:test";
import { constant, graphOf, input } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

const device = testAdapter() && (await openTestWebgpu());
const skip = device === undefined && howToGetSoftwareAdapter;

const floats = (...data: number[]) =>
  ({ dtype: "float32", shape: [data.length], data: Float32Array.from(data) }) as const;

test("says what it is", { skip }, () => {
  const { kind, runtime } = device!.facts;
  assert.equal(kind, "webgpu");
  assert.match(runtime, /^onnxruntime 1\.\d+\.\d+$/);
});

test("rows of one id add up to the same bits in every run", { skip }, async () => {
  const [rows, width, count] = [300, 16, 5];
  const data = Float32Array.from(
    { length: rows * width },
    (_, i) => Math.sin(i * i) * 10 ** (i % 5),
  );
  const ids = Int32Array.from({ length: rows }, (_, i) => (i * i) % count);
  const graph = graphOf({
    y: ops.scatterRows(input("rows", [rows, width]), input("ids", [rows], "int32"), count),
  });
  const expected = new Float64Array(count * width);
  for (let i = 0; i < data.length; i++)
    expected[ids[Math.floor(i / width)]! * width + (i % width)]! += data[i]!;
  const executable = await device!.compile(graph);
  const results = [];
  for (let run = 0; run < 5; run++) {
    const { y } = await executable.run({
      rows: { dtype: "float32", shape: [rows, width], data },
      ids: { dtype: "int32", shape: [rows], data: ids },
    });
    results.push(y!.data as Float32Array);
  }
  await executable.release();
  for (const result of results) assert.deepEqual(result, results[0]);
  for (const [i, sum] of results[0]!.entries())
    assert.ok(Math.abs(sum - expected[i]!) < 0.1, `${i}: ${sum} instead of ${expected[i]}`);
});

test("numbers beyond 32 bits are refused", { skip }, async () => {
  const executable = await device!.compile(graphOf({ y: ops.add(input("n", [1], "int64"), 1) }));
  const n = { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 40n) } as const;
  await assert.rejects(executable.run({ n }), {
    name: "DeviceError",
    code: "device-input",
    message: 'Input "n" has numbers beyond 32 bits, which a graphics device does not compute with.',
  });
  await executable.release();
});

test("too large a batch: no memory, and the setting to change; the device goes on", {
  skip,
}, async () => {
  const run = async (rows: number) => {
    const x = ops.reshape(constant([1, 2]), [2, 1, 1]);
    const large = ops.exp(ops.expand(ops.mul(x, input("a", [1])), [2, rows, 1024]));
    const executable = await device!.compile(graphOf({ y: ops.reduceSum(large, [0, 1, 2]) }));
    try {
      return (await executable.run({ a: floats(0) })).y!.data[0];
    } finally {
      await executable.release();
    }
  };
  await assert.rejects(run(2 ** 24), {
    name: "DeviceError",
    code: "device-memory",
    message: "The graphics device has not enough memory for this batch.",
    hint: "lower per_device_train_batch_size and raise gradient_accumulation_steps as much, lower max_length, or run with --device cpu",
  });
  assert.equal(await run(2), 4096);
});
