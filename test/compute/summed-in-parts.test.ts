import assert from "node:assert/strict";
import { test } from "node:test";
import { webgpuGraph } from "../../compute/devices/webgpu/webgpu-graph.ts";
import { graphOf, input, toText } from "../../compute/graph.ts";
import { mixedPrecision } from "../../compute/mixed-precision.ts";
import * as ops from "../../compute/ops.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

const device = testAdapter() && (await openTestWebgpu());
const reason = await device?.lacksPrecision?.("float16");
const skip = device === undefined ? howToGetSoftwareAdapter : reason;

const forms = {
  "a · b": { a: [8, 3000], b: [3000, 8] },
  "a · bᵀ": { a: [8, 3000], b: [8, 3000], transB: true },
  "aᵀ · b": { a: [3000, 8], b: [3000, 8], transA: true },
} as const;

/** A product in float16 with 3000 summands of one sign. */
function productOf({ a, b, ...transposed }: (typeof forms)[keyof typeof forms]) {
  const y = ops.gemm(input("a", a), input("b", b), transposed);
  return mixedPrecision(graphOf({ y }), "float16");
}

test("a long sum is formed in parts, and these are added in float32; a short one is as it was", () => {
  const long = mixedPrecision(
    graphOf({ y: ops.matMul(input("a", [2, 1, 600]), input("b", [600, 3])) }),
    "float16",
  );
  assert.equal(
    toText(webgpuGraph(long)),
    `inputs a:float32[2,1,600] b:float32[600,3]
%1:float16[2,1,600] = Cast[to=float16] a
%2:float16[2,1,300] = Slice[axes=(2) starts=(0) ends=(300)] %1
%3:float16[600,3] = Cast[to=float16] b
%4:float16[300,3] = Slice[axes=(0) starts=(0) ends=(300)] %3
%5:float16[2,1,3] = MatMul %2 %4
%6:float32[2,1,3] = Cast[to=float32] %5
%7:float16[2,1,300] = Slice[axes=(2) starts=(300) ends=(600)] %1
%8:float16[300,3] = Slice[axes=(0) starts=(300) ends=(600)] %3
%9:float16[2,1,3] = MatMul %7 %8
%10:float32[2,1,3] = Cast[to=float32] %9
%11:float32[2,1,3] = Add %6 %10
%12:float16[2,1,3] = Cast[to=float16] %11
%13:float32[2,1,3] = Cast[to=float32] %12
outputs y=%13`,
  );
  const short = mixedPrecision(
    graphOf({ y: ops.matMul(input("a", [2, 512]), input("b", [512, 3])) }),
    "float16",
  );
  assert.equal(toText(webgpuGraph(short)), toText(short));
});

for (const [name, form] of Object.entries(forms))
  test(`${name} in float16: 3000 summands of one sign within 1%`, {
    skip,
  }, async () => {
    const values = (seed: number) =>
      Float32Array.from({ length: 8 * 3000 }, (_, i) => Math.sin(i * i + seed) ** 2);
    const [a, b] = [values(1), values(2)];
    const executable = await device!.compile(productOf(form));
    const { y } = await executable.run({
      a: { dtype: "float32", shape: form.a, data: a },
      b: { dtype: "float32", shape: form.b, data: b },
    });
    await executable.release();
    const at = (x: Float32Array, [rows, columns]: readonly number[], row: number, k: number) =>
      x[rows === 8 ? row * columns! + k : k * columns! + row]!;
    for (let i = 0; i < 8; i++)
      for (let j = 0; j < 8; j++) {
        let sum = 0;
        for (let k = 0; k < 3000; k++) sum += at(a, form.a, i, k) * at(b, form.b, j, k);
        const error = Math.abs((y!.data[i * 8 + j] as number) / sum - 1);
        assert.ok(error < 1e-2, `[${i},${j}]: ${y!.data[i * 8 + j]} instead of ${sum}`);
      }
  });
