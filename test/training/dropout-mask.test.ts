import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { graphOf, type Shape, sizeOf } from "../../compute/graph.ts";
import { cast } from "../../compute/ops.ts";
import { mix32 } from "../../models/counter-hash.ts";
import { computedMasks, DROPOUT_KEY } from "../../training/computed-masks.ts";
import {
  type DropoutKey,
  dropoutKey,
  dropoutLimit,
  siteFactor,
} from "../../training/dropout-key.ts";
import { type DropoutSpec, fillDropoutMask } from "../../training/dropout-mask.ts";
import {
  howToGetSoftwareAdapter,
  openTestWebgpu,
  softwareAdapter,
} from "../rig/software-adapter.ts";

const isThere = softwareAdapter() !== undefined || process.env.TUNESMITH_TEST_WEBGPU === "1";
const key = dropoutKey({ seed: 42, step: 7, part: 1 });

function filled(spec: DropoutSpec, given: DropoutKey = key): Uint8Array {
  const mask = new Uint8Array(sizeOf(spec.shape));
  fillDropoutMask(mask, spec, given);
  return mask;
}

/** The definition in dropout-key.ts with integers that do not wrap, but are cut to 32 bits. */
function defined({ site, shape, p }: DropoutSpec): Uint8Array {
  const columns = shape.at(-1) ?? 1;
  const [rowFactor, rowShift, columnFactor, columnShift] = Array.from(key, BigInt);
  const keyOf = (place: number, factor: bigint, shift: bigint) => {
    const number = (BigInt(mix32(place + 1)) << 21n) + 2n * BigInt(place) + 1n;
    return (number * factor + shift) ** 3n;
  };
  const [factor, limit] = [BigInt(siteFactor(site)), BigInt(dropoutLimit(p))];
  return Uint8Array.from({ length: sizeOf(shape) }, (_, i) => {
    const ofRow = keyOf(Math.floor(i / columns), rowFactor!, rowShift!);
    const ofColumn = keyOf(i % columns, columnFactor!, columnShift!) * factor;
    return BigInt.asIntN(32, (ofRow + 1n + ofColumn) ** 3n) > limit ? 1 : 0;
  });
}

/** Of hidden states, of attention, of few and of many elements; not multiples of what kernels do at once. */
const shapes: readonly Shape[] = [
  [1, 1],
  [1, 37],
  [37, 1],
  [5, 16],
  [3, 7, 33],
  [2, 3, 5, 5],
  [2, 4, 16, 16],
  [700, 129],
  [2, 17_000],
];

test("golden: the masks of a step, of a place, of an odd length", () => {
  assert.deepEqual([...key], [-172011499, -1973161932, -489914779, -1403258602]);
  assert.equal(
    filled({ site: "site", shape: [3, 21], p: 0.3 }).join(""),
    "101110110011001101110110110101110111111011011111111010101111100",
  );
});

test("every element is the one that is defined", () => {
  for (const shape of shapes) {
    const spec = { site: "layer.1", shape, p: 0.3 };
    assert.deepEqual(filled(spec), defined(spec), `[${shape}]`);
  }
});

test("limits of p", () => {
  assert.deepEqual([0, 2 ** -32, 0.25, 0.5, 1 - 2 ** -40].map(dropoutLimit), [
    -(2 ** 31),
    -(2 ** 31),
    -(2 ** 30) - 1,
    -1,
    2 ** 31 - 2,
  ]);
  const all = { site: "site", shape: [100, 100], p: 0 };
  assert.deepEqual(filled(all), new Uint8Array(1e4).fill(1));
});

async function computed(device: Device, specs: readonly DropoutSpec[]) {
  const masks = computedMasks();
  const values = specs.map(({ site, shape, p }) => cast(masks(site, shape, p)!, "float32"));
  const graph = graphOf(Object.fromEntries(values.map((value, i) => [`${i}`, value])));
  const executable = await device.compile(graph);
  const outputs = await executable.run({
    [DROPOUT_KEY]: { dtype: "int32", shape: [4], data: key },
  });
  await executable.release();
  return specs.map((_, i) => Uint8Array.from(outputs[i]!.data as Float32Array));
}

async function assertEqualMasks(device: Device) {
  for (const p of [0.1, 0.5, 0.01]) {
    const specs = shapes.map((shape, i) => ({ site: `layer.${i}`, shape, p }));
    assert.deepEqual(
      await computed(device, specs),
      specs.map((spec) => filled(spec)),
    );
  }
}

test("graphs compute the same masks: cpu", async () =>
  assertEqualMasks(await openOnnxruntimeDevice({ threads: 1 })));

test(
  "graphs compute the same masks: webgpu",
  { skip: !isThere && howToGetSoftwareAdapter },
  async () => assertEqualMasks(await openTestWebgpu()),
);
