import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorData } from "../../compute/device.ts";
import { loadRuntime } from "../../compute/devices/onnxruntime/session-executable.ts";
import { constant, type Graph, graphOf, input, sizeOf } from "../../compute/graph.ts";
import { exportOnnx } from "../../compute/onnx/export-onnx.ts";
import * as ops from "../../compute/ops.ts";
import { assertClose } from "../rig/assert-close.ts";
import { generator } from "../rig/case-data.ts";
import { interpret } from "../rig/interpreter.ts";

const { InferenceSession, Tensor } = await loadRuntime();

const width = 12;
const shapes = {
  words: [40, width],
  places: [16, width],
  scale: [width],
  bias: [width],
  q: [width, width],
  wide: [20, width],
};

function parameters(): Record<string, TensorData> {
  const random = generator(3);
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => random() - 0.5);
    return [name, { dtype: "float32", shape, data }] as const;
  });
  return Object.fromEntries(entries);
}

/** A small encoder, with whatever a size can be embedded in: reshapes, slices, expansions, constants. */
function encoder({ batch, sequence }: Readonly<Record<string, number>>): Graph {
  const [B, T, H] = [batch!, sequence!, width];
  const given = Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)] as const);
  const p = Object.fromEntries(given) as Record<keyof typeof shapes, ReturnType<typeof input>>;
  const ids = input("input_ids", [B, T], "int64");
  const shown = input("attention_mask", [B, T], "int64");
  const places = ops.slice(p.places, { axes: [0], starts: [0], ends: [T] });
  const ramp = constant(
    Array.from({ length: T }, (_, i) => i),
    [T],
  );
  const ones = ops.expand(constant(1, [1, T, 1]), [B, T, H]);
  const x = ops.layerNorm(
    ops.add(ops.add(ops.gather(p.words, ids), places), ops.mul(ones, constant(0.5, [B, 1, 1]))),
    p.scale,
    p.bias,
    1e-5,
  );
  const heads = (name: "q") =>
    ops.transpose(ops.reshape(ops.linear(x, p[name]), [B, T, 3, 4]), [0, 2, 1, 3]);
  const mask = ops.reshape(ops.mul(ops.sub(1, ops.cast(shown, "float32")), -1e9), [B, 1, 1, T]);
  const mixed = ops.attention(heads("q"), heads("q"), heads("q"), { scale: 0.5, mask });
  const merged = ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [B, T, H]);
  const wide = ops.gelu(ops.linear(merged, p.wide), "erf");
  const first = ops.slice(wide, { axes: [1], starts: [0], ends: [1] });
  return graphOf({
    hidden: wide,
    pooled: ops.tanh(ops.reshape(first, [B, 20])),
    ramp: ops.mul(ramp, ops.reduceMean(merged, [0, 2])),
  });
}

test("a file with dynamic sizes computes what the graph of each size computes", async () => {
  const bytes = exportOnnx(encoder, {
    parameters: parameters(),
    dynamicSizes: ["batch", "sequence"],
  });
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  assert.deepEqual([...session.inputNames].sort(), ["attention_mask", "input_ids"]);
  assert.deepEqual(session.outputNames, ["hidden", "pooled", "ramp"]);
  const declared = Object.fromEntries(session.inputMetadata.map((one) => [one.name, one]));
  assert.deepEqual((declared.input_ids as { shape: unknown }).shape, ["batch", "sequence"]);

  for (const [batch, sequence] of [
    [1, 1],
    [1, 9],
    [4, 2],
    [3, 16],
  ] as const) {
    const length = batch * sequence;
    const ids = BigInt64Array.from({ length }, (_, i) => BigInt((i * 7) % 40));
    const shown = BigInt64Array.from({ length }, (_, i) => BigInt(i % sequence === 0 || i % 3 > 0));
    const int64 = (data: BigInt64Array) => new Tensor("int64", data, [batch, sequence]);
    const made = await session.run({ input_ids: int64(ids), attention_mask: int64(shown) });
    const stored = Object.entries(parameters()).map(([name, { data }]) => [name, data] as const);
    const expected = interpret(encoder({ batch, sequence }), {
      ...Object.fromEntries(stored),
      input_ids: ids,
      attention_mask: shown,
    });
    assert.deepEqual(made.hidden!.dims, [batch, sequence, 20]);
    for (const name of ["hidden", "pooled", "ramp"])
      assertClose(
        made[name]!.data as Float32Array,
        expected[name]!,
        2e-6,
        `${name} of ${batch} x ${sequence}`,
      );
  }
});

const trace = (build: (batch: number) => ReturnType<typeof input>) => () =>
  exportOnnx(({ batch }) => graphOf({ y: build(batch!) }), { dynamicSizes: ["batch"] });
const row = (batch: number) => input("x", [batch, 2]);

test("refuses what a file with dynamic sizes cannot say", () => {
  assert.throws(
    trace((batch) => ops.mul(row(batch), 1 / batch)),
    { name: "ShapeError", message: "A constant of 1 elements depends on a dynamic size." },
  );
  assert.throws(
    trace((batch) => (batch > 5 ? ops.exp(row(batch)) : row(batch))),
    { message: 'The graph with sizes {"batch":5} has other operations than with {"batch":13}.' },
  );
  assert.throws(
    trace((batch) => ops.slice(row(batch), { axes: [0], starts: [0], ends: [batch - 1] })),
    { message: "A size of 4 becomes 12 with another batch: no multiple of it." },
  );
  assert.throws(() => exportOnnx(graphOf({ y: row(2) }), { dynamicSizes: ["batch"] }), {
    message: "exportOnnx: dynamic sizes need a function that builds the graph.",
  });
  const data = new Float32Array(4);
  assert.throws(
    () =>
      exportOnnx(graphOf({ y: row(3) }), {
        parameters: { x: { dtype: "float32", shape: [2, 2], data } },
      }),
    { message: 'exportOnnx: parameter "x" is float32 [2, 2], the graph reads float32 [3, 2].' },
  );
});
