import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { peakMemory } from "../../compute/devices/peak-memory.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import {
  constant,
  graphOf,
  input,
  type NarrowType,
  nameOf,
  newArray,
  toText,
} from "../../compute/graph.ts";
import { mixedPrecision } from "../../compute/mixed-precision.ts";
import * as ops from "../../compute/ops.ts";
import { relativeError } from "../rig/reference-case.ts";
import { roundingDevice } from "../rig/rounding-device.ts";
import { encoderTensor, smallEncoder } from "../rig/small-encoder.ts";

test("products are in 16 bits, what moves their elements too; sums, softmax and biases are not", () => {
  const [x, w, b] = [input("x", [2, 3]), input("w", [4, 3]), input("b", [4])];
  const y = ops.reshape(ops.linear(x, w, b), [2, 2, 2]);
  const turned = ops.transpose(ops.matMul(ops.softmax(y), y), [1, 0, 2]);
  const graph = graphOf({ y: ops.matMul(turned, y), sums: ops.reduceSum(x, [0]) });
  assert.equal(
    toText(mixedPrecision(graph, "float16")),
    `inputs x:float32[2,3] w:float32[4,3] b:float32[4]
%1:float16[2,3] = Cast[to=float16] x
%2:float16[4,3] = Cast[to=float16] w
%3:float16[2,4] = Gemm[transB=true] %1 %2
%4:float32[2,4] = Cast[to=float32] %3
%5:float32[2,4] = Add %4 b
%6:float32[2,2,2] = Reshape[shape=(2,2,2)] %5
%7:float32[2,2,2] = Softmax %6
%8:float16[2,2,2] = Cast[to=float16] %7
%9:float16[2,2,2] = Cast[to=float16] %6
%10:float16[2,2,2] = MatMul %8 %9
%11:float16[2,2,2] = Transpose[perm=(1,0,2)] %10
%12:float16[2,2,2] = MatMul %11 %9
%13:float32[2,2,2] = Cast[to=float32] %12
%14:float32[1,2] = Constant[data=(1,1)]
%15:float32[1,3] = MatMul %14 x
%16:float32[3] = Reshape[shape=(3)] %15
outputs y=%13 sums=%16`,
  );
});

test("what zeros and ones look up or sum stays as it is", () => {
  const [places, table, x] = [input("places", [3, 1]), input("table", [2, 4]), input("x", [3, 4])];
  const isAbove = ops.greater(places, constant([0, 5])); // (3, 2)
  const chosen = ops.where(isAbove, ops.cast(ops.greater(9, places), "float32"), 0);
  const sums = ops.gemm(ops.transpose(chosen, [1, 0]), x);
  assert.equal(
    toText(mixedPrecision(graphOf({ rows: ops.gemm(chosen, table), sums }), "bfloat16")),
    `inputs places:float32[3,1] table:float32[2,4] x:float32[3,4]
%1:float32[2] = Constant[data=(0,5)]
%2:bool[3,2] = Greater places %1
%3:bool[3,1] = Greater 9 places
%4:float32[3,1] = Cast[to=float32] %3
%5:float32[3,2] = Where %2 %4 0
%6:float32[3,4] = Gemm %5 table
%7:float32[2,3] = Transpose[perm=(1,0)] %5
%8:float32[2,4] = Gemm %7 x
outputs rows=%6 sums=%8`,
  );
});

test("in bfloat16 the graph is the same, and takes the same memory", () => {
  const { loss, parameters } = smallEncoder({ batch: 2, length: 3, width: 8, heads: 2 });
  const { graph } = gradientGraph({ loss }, parameters);
  const [half, brain] = [mixedPrecision(graph, "float16"), mixedPrecision(graph, "bfloat16")];
  assert.equal(toText(brain), toText(half).replaceAll("float16", "bfloat16"));
  assert.equal(peakMemory(brain), peakMemory(half));
});

// float16 keeps 11 bits of a number, bfloat16 8.
const halves = { float16: 1.5e-3, bfloat16: 1.2e-2 } as const;
for (const type of ["float16", "bfloat16"] as const)
  test(`an encoder's loss and gradients in ${type} are those of float32, but for its rounding`, () =>
    compareWithFloat32(type));

async function compareWithFloat32(type: NarrowType): Promise<void> {
  const { loss, logits, parameters } = smallEncoder({ batch: 3, length: 17, width: 32, heads: 4 });
  const { graph } = gradientGraph({ loss, logits }, parameters);
  const inputs = Object.fromEntries(graph.inputs.map((v) => [nameOf(v), encoderTensor(v)]));
  const device = roundingDevice(await openOnnxruntimeDevice({ threads: 1, spinning: false }));
  const [exact, rounded] = [
    await device.compile(graph),
    await device.compile(mixedPrecision(graph, type)),
  ];
  const [expected, made] = [await exact.run(inputs), await rounded.run(inputs)];
  for (const executable of [exact, rounded]) await executable.release();
  assert.deepEqual(Object.keys(made), Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected)) {
    if (name === "k.bias.gradient") continue; // no gradient in exact arithmetic
    const error = relativeError(made[name]!.data as Float32Array, data as Float32Array);
    assert.ok(error < halves[type], `${name}: ${error}`);
    assert.ok(error > 1e-3 * halves[type], `${name}: ${error}, as if nothing were rounded`);
  }
}

test("the device of the rig rounds to bfloat16 as IEEE 754 says: to the nearest, ties to even", async () => {
  const device = roundingDevice(await openOnnxruntimeDevice({ threads: 1, spinning: false }));
  const [x, one] = [input("x", [6, 1]), constant(1, [1, 1])];
  const exact = ops.matMul(x, ops.add(one, input("zero", [1, 1])));
  const executable = await device.compile(mixedPrecision(graphOf({ y: exact }), "bfloat16"));
  const float32 = (shape: readonly number[], ...data: readonly number[]) =>
    ({ dtype: "float32", shape, data: Float32Array.from(data) }) as const;
  const { y } = await executable.run({
    x: float32([6, 1], 1 + 1 / 256, 1 + 3 / 256, 1 + 1.01 / 256, Math.PI, -Math.E, 3.4e38),
    zero: float32([1, 1], 0),
  });
  await executable.release();
  assert.deepEqual(
    [...y!.data],
    [1, 1.015625, 1.0078125, 3.140625, -2.71875, Number.POSITIVE_INFINITY],
  );
});

for (const type of ["float16", "bfloat16"] as const)
  test(`${type} is for values inside of a graph only`, () => {
    assert.throws(() => newArray(type, 1), {
      name: "ShapeError",
      message: `${type} is for values inside of a graph only.`,
    });
  });
