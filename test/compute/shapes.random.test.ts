import { test } from "node:test";
import fc from "fast-check";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import * as ops from "../../compute/ops.ts";
import { assertClose } from "../rig/assert-close.ts";
import { drawTensors } from "../rig/case-data.ts";
import { graphOfCase } from "../rig/graph-of-case.ts";
import { interpret } from "../rig/interpreter.ts";
import type { OperationCase } from "../rig/operation-cases.ts";

const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });
const runs = 25 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
const sizes = (count: number) =>
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength: count, maxLength: count });

/** Value and gradients on onnxruntime against float64; the cases test the gradients by differences. */
async function agrees(one: OperationCase, seed: number): Promise<void> {
  const { graph } = graphOfCase(one);
  const tensors = drawTensors(one.inputs, seed);
  const given = Object.entries(tensors).map(([name, { data }]) => [name, data] as const);
  const exact = interpret(graph, Object.fromEntries(given));
  const executable = await device.compile(graph);
  const made = await executable.run(tensors);
  await executable.release();
  for (const [name, { data }] of Object.entries(made)) assertClose(data, exact[name]!, 1e-5, name);
}

/** A shape, and one that broadcasts with it: leading axes left out, some sizes 1. */
const broadcasting = fc.integer({ min: 1, max: 4 }).chain((rank) =>
  fc.record({
    shape: sizes(rank),
    kept: fc.array(fc.boolean(), { minLength: rank, maxLength: rank }),
    left: fc.integer({ min: 0, max: rank }),
    seed: fc.nat(),
  }),
);

test("operands of any shapes that broadcast", async () => {
  const property = fc.asyncProperty(broadcasting, ({ shape, kept, left, seed }) => {
    const other = shape.map((size, axis) => (kept[axis] ? size : 1)).slice(left);
    return agrees(
      {
        name: "broadcast",
        inputs: { a: { shape }, b: { shape: other } },
        build: ({ a, b }) => ops.where(ops.greater(b!, a!), ops.mul(a!, b!), ops.sub(b!, a!)),
      },
      seed,
    );
  });
  await fc.assert(property, { numRuns: runs });
});

test("products of any shapes", async () => {
  const shapes = fc.record({ all: sizes(5), batchOfB: fc.boolean(), seed: fc.nat() });
  const property = fc.asyncProperty(shapes, ({ all, batchOfB, seed }) => {
    const [B, h, n, k, m] = all as [number, number, number, number, number];
    const b = batchOfB ? [B, 1, k, m] : [k, m];
    return agrees(
      {
        name: "product",
        inputs: { a: { shape: [B, h, n, k] }, b: { shape: b } },
        build: (given) => ops.matMul(given.a!, given.b!),
      },
      seed,
    );
  });
  await fc.assert(property, { numRuns: runs });
});

test("attention of any sizes", async () => {
  const shapes = fc.record({ all: sizes(5), seed: fc.nat() });
  const property = fc.asyncProperty(shapes, ({ all, seed }) => {
    const [B, h, T, S, d] = all as [number, number, number, number, number];
    return agrees(
      {
        name: "attention",
        inputs: {
          q: { shape: [B, h, T, d] },
          k: { shape: [B, h, S, d] },
          v: { shape: [B, h, S, d] },
          mask: { shape: [B, 1, 1, S] },
        },
        build: ({ q, k, v, mask }) => ops.attention(q!, k!, v!, { scale: 0.7, mask: mask! }),
      },
      seed,
    );
  });
  await fc.assert(property, { numRuns: runs });
});
