import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Device } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { type NarrowType, sizeOf } from "../../compute/graph.ts";
import { folderSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { HostState } from "../../training/host-state.ts";
import { completeArguments, type TrainingArguments } from "../../training/training-arguments.ts";
import { TrainingStep } from "../../training/training-step.ts";
import { assertClose } from "../rig/assert-close.ts";
import { referenceBatch } from "../rig/reference-batch.ts";
import { readReferenceCase, relativeError } from "../rig/reference-case.ts";
import { roundingDevice } from "../rig/rounding-device.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

// Mixed precision beside PyTorch's autocast: as far from exact arithmetic as that is, and no further.

interface Errors {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number>>;
}
type Precision = "float32" | NarrowType;
type Case = Readonly<Record<NarrowType, Errors>> & {
  readonly losses: Readonly<Record<Precision, readonly number[]>>;
};
interface Autocast {
  readonly torch: string;
  readonly learning_rate: number;
  readonly cases: Readonly<Record<string, Case>>;
}
const golden = new URL("../golden/", import.meta.url);
const autocast: Autocast = JSON.parse(
  readFileSync(new URL("mixed-precision.json", golden), "utf8"),
);
const cpu = await openOnnxruntimeDevice({ threads: 1, spinning: false });
const rounding = roundingDevice(cpu);
const webgpu = testAdapter() && (await openTestWebgpu());
const lack = await webgpu?.lacksPrecision?.("float16");
const skip = webgpu === undefined ? howToGetSoftwareAdapter : lack;
const settings = {
  float16: { mixed_precision: "fp16", scale: 65536, ofLoss: 6e-5 },
  bfloat16: { mixed_precision: "bf16", scale: 1, ofLoss: 5e-4 }, // 8 times float16's: 3 bits less
} as const;

async function load(name: string) {
  const reference = await readReferenceCase(fileURLToPath(new URL(name, golden)));
  const start = await loadPretrained(folderSource(reference.model), {
    seed: 0,
    task: reference.task,
  });
  return { reference, start, batch: referenceBatch(reference) };
}

/** How many times PyTorch's errors a device's may be: each, and all on the average. */
interface Bounds {
  readonly device: Device;
  readonly each: number;
  readonly average: number;
}
const addsInFloat32: Bounds = { device: rounding, each: 3, average: 1.5 };

async function compareStep(
  name: string,
  type: NarrowType,
  allowed: Errors,
  { device, each, average }: Bounds,
): Promise<number> {
  const { reference, start, batch } = await load(name);
  const { model, parameters } = start;
  const { scale, ofLoss } = settings[type];
  const step = new TrainingStep(model, device, { sessions: 1, mixedPrecision: type });
  const sum = new GradientSum();
  const role = { seed: 0, step: 0, part: 0 };
  const lossScale = type === "float16" ? { lossScale: scale } : {};
  const loss = await step.addGradients(sum, parameters, { batch, role, ...lossScale });
  await step.release();
  assert.ok(Math.abs(loss / reference.loss - 1) < 2 * allowed.loss + ofLoss, `loss ${loss}`);
  const ratios: number[] = [];
  for (const [parameter, theirs] of Object.entries(allowed.gradients)) {
    if (theirs > 1) continue; // a key bias has no gradient in exact arithmetic
    const { shape } = parameters.get(parameter)!;
    const gradient = sum.dense.get(parameter)?.slice() ?? new Float32Array(sizeOf(shape));
    sum.tables.get(parameter)?.addTo(gradient);
    const unscaled = gradient.map((x) => x / scale);
    const error = relativeError(unscaled, reference.golden.get(`grad.${parameter}`)!);
    assert.ok(error < each * theirs, `${parameter}: ${error}, PyTorch's is ${theirs}`);
    ratios.push(error / theirs);
  }
  const typical = Math.exp(ratios.reduce((sum, x) => sum + Math.log(x), 0) / ratios.length);
  assert.ok(0.5 < typical && typical < average, `errors are ${typical} times PyTorch's`);
  return typical;
}

async function lossesOf(
  { start, batch }: Awaited<ReturnType<typeof load>>,
  device: Device,
  mixed_precision: TrainingArguments["mixed_precision"],
): Promise<number[]> {
  const given = completeArguments({ mixed_precision, weight_decay: 0, max_grad_norm: 1 });
  const state = new HostState(start, device, given);
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) {
    const role = { seed: 0, step, learningRate: autocast.learning_rate };
    losses.push((await state.step([batch], role)).loss);
  }
  await state.release();
  return losses;
}

/** The root of the mean square of differences. Weights changed by a thousandth change PyTorch's own by up to 3 times. */
function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((x, i) => x - b[i]!)) / Math.sqrt(a.length);
}

for (const [name, { losses, ...errors }] of Object.entries(autocast.cases)) {
  for (const type of ["float16", "bfloat16"] as const)
    test(`${name} in ${type}: as near to float64 as PyTorch ${autocast.torch} is under autocast`, async () => {
      await compareStep(name, type, errors[type], addsInFloat32);
    });

  test(`${name} in float16 on webgpu, which adds products in it: a few times PyTorch's errors`, {
    skip,
  }, async (t) => {
    const bounds = { device: webgpu!, each: 15, average: 7 };
    const typical = await compareStep(name, "float16", errors.float16, bounds);
    t.diagnostic(`${typical} times PyTorch's`);
  });

  test(`${name}: 20 steps stray from float32 as PyTorch's do`, async (t) => {
    const loaded = await load(name);
    const exact = await lossesOf(loaded, cpu, "no");
    assertClose(exact, losses.float32, 1e-4, "losses in float32");
    for (const type of ["float16", "bfloat16"] as const) {
      const made = await lossesOf(loaded, rounding, settings[type].mixed_precision);
      const [ours, theirs] = [distance(made, exact), distance(losses[type], losses.float32)];
      t.diagnostic(`${type}: ${ours}, PyTorch's ${theirs}`);
      assert.ok(ours < 4 * theirs, `${type}: ${ours}, PyTorch's is ${theirs}`);
      assert.ok(ours > theirs / 20, `${type}: ${ours}, as if nothing were rounded`);
    }
  });
}
