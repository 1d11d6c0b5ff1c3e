import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import wabt from "wabt";
import { hashAt, streamKey } from "../../models/counter-hash.ts";
import { kernelBytes } from "../../training/kernels.ts";
import { adamUpdate } from "../../training/optimizers/adam-update.ts";

const folder = join(import.meta.dirname, "../../training");

test("kernels.ts holds kernels.wat assembled", async () => {
  const { parseWat } = await wabt();
  const text = await readFile(join(folder, "kernels.wat"), "utf8");
  const { buffer } = parseWat("kernels.wat", text, { simd: true }).toBinary({});
  const assembled = Buffer.from(buffer).toString("base64");
  if (process.env.UPDATE_GOLDEN) {
    const source = await readFile(join(folder, "kernels.ts"), "utf8");
    const next = source.replace(/kernelBytes =\s*"[^"]*"/, `kernelBytes =\n  "${assembled}"`);
    await writeFile(join(folder, "kernels.ts"), next);
  } else assert.equal(kernelBytes, assembled);
});

test("an update is torch's formula in float32, element by element, over several pieces", () => {
  const key = streamKey(9, "adam");
  const random = (length: number, from: number) =>
    Float32Array.from({ length }, (_, i) => hashAt(key, from + i) / 2 ** 31 - 1);
  const f = Math.fround;
  const [beta1, beta2] = [0.9, 0.999];
  const [gradientScale, stepSize, secondScale, epsilon, keep] = [0.3, 1e-3, 2.5, 1e-8, 0.99].map(
    f,
  ) as [number, number, number, number, number];
  const span = { parameter: 3, gradient: 5, moments: 2, count: 9001 };
  const [p, g] = [random(9010, 0), random(9010, 1e5)];
  const moments = { first: random(9010, 2e5), second: random(9010, 3e5).map(Math.abs) };
  const expected = {
    p: p.slice(),
    first: moments.first.slice(),
    second: moments.second.slice(),
  };
  for (let i = 0; i < span.count; i++) {
    const x = f(g[5 + i]! * gradientScale);
    const m = f(f(moments.first[2 + i]! * f(beta1)) + f(x * f(1 - beta1)));
    const v = f(f(moments.second[2 + i]! * f(beta2)) + f(f(x * x) * f(1 - beta2)));
    const divisor = f(f(f(Math.sqrt(v)) * secondScale) + epsilon);
    expected.first[2 + i] = m;
    expected.second[2 + i] = v;
    expected.p[3 + i] = f(f(p[3 + i]! * keep) - f(f(m * stepSize) / divisor));
  }
  const coefficients = { beta1, beta2, gradientScale, stepSize, secondScale, epsilon, keep };
  adamUpdate(p, g, moments, span, coefficients);
  assert.deepEqual({ p, ...moments }, expected);
});
