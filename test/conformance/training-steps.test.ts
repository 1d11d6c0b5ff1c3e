import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device, TensorData } from "../../compute/device.ts";
import { type NarrowType, sizeOf } from "../../compute/graph.ts";
import { copyParameters } from "../../training/best-model.ts";
import { logitsGraph } from "../../training/evaluate.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { createOptimizer } from "../../training/optimizers/create-optimizer.ts";
import { completeArguments } from "../../training/training-arguments.ts";
import { TrainingStep } from "../../training/training-step.ts";
import { assertConforms, forEachDevice, reference, TOLERANCE } from "../rig/conformance-devices.ts";
import { relativeError } from "../rig/reference-case.ts";
import { type StepCase, stepCases } from "../rig/step-case.ts";

// A whole training step of every family and task on every device: loss, gradients, and the weights
// after it. Plain descent, because Adam's first step makes as much of rounding noise as of a gradient.

const given = completeArguments({ optim: "sgd", learning_rate: 0.1 });

async function trainOneStep(
  device: Device,
  { start, batch, options }: StepCase,
  lossScale?: number,
) {
  const { model } = start;
  const parameters = copyParameters(start.parameters);
  const gradients = new GradientSum();
  const step = new TrainingStep(model, device, { sessions: 1, ...options });
  const role = { seed: 5, step: 0, part: 0 };
  const loss = await step.addGradients(gradients, parameters, {
    batch,
    role,
    ...(lossScale && { lossScale }),
  });
  await step.release();
  const all = new Map(
    model.parameters.map(({ name, shape }) => {
      const gradient = gradients.dense.get(name)?.slice() ?? new Float32Array(sizeOf(shape));
      gradients.tables.get(name)?.addTo(gradient);
      return [name, gradient] as const;
    }),
  );
  const rates = { learningRate: given.learning_rate, gradientScale: 1 };
  createOptimizer(model.parameters, given).step(parameters, gradients, rates);
  return { loss, norm: gradients.norm(), gradients: all, parameters };
}

const expectedSteps = new Map<StepCase, ReturnType<typeof trainOneStep>>();
const expectedLogits = new Map<StepCase, ReturnType<typeof logitsOn>>();

/** What the reference gives, computed once for all devices. */
function once<Found>(known: Map<StepCase, Found>, one: StepCase, find: () => Found): Found {
  const found = known.get(one) ?? find();
  known.set(one, found);
  return found;
}

async function compareSteps(device: Device, one: StepCase): Promise<void> {
  const expected = await once(expectedSteps, one, () => trainOneStep(reference, one));
  const made = await trainOneStep(device, one);
  assert.ok(expected.norm > 0.1, `a step that moves nothing: norm ${expected.norm}`);
  assert.ok(Math.abs(made.loss - expected.loss) <= TOLERANCE * expected.loss, `loss ${made.loss}`);
  for (const [name, gradient] of expected.gradients) {
    // A key bias has no gradient in exact arithmetic: noise is measured beside all gradients.
    const error = relativeError(made.gradients.get(name)!, gradient);
    const own = Math.hypot(...gradient);
    const share = (error * own) / (own + 1e-3 * expected.norm);
    assert.ok(share <= TOLERANCE, `gradient of ${name}: relative error ${error}`);
  }
  assertConforms(Object.fromEntries(made.parameters), Object.fromEntries(expected.parameters));
}

/** How far a step's loss and gradients may be: float16 rounds to 11 bits, and its loss is scaled; bfloat16 to 8. */
const narrowTypes = {
  float16: { scale: 1024, ofLoss: 1e-3, ofGradients: 1e-2 },
  bfloat16: { scale: 1, ofLoss: 8e-3, ofGradients: 8e-2 },
} as const;

/** A device that lacks the type is a skipped test with the reason. */
async function compareIn(type: NarrowType, device: Device, one: StepCase): Promise<void> {
  const { scale, ofLoss, ofGradients } = narrowTypes[type];
  const expected = await once(expectedSteps, one, () => trainOneStep(reference, one));
  const options = { ...one.options, mixedPrecision: type };
  const lossScale = type === "float16" ? scale : undefined;
  const made = await trainOneStep(device, { ...one, options }, lossScale);
  assert.ok(Math.abs(made.loss / expected.loss - 1) <= ofLoss, `loss ${made.loss}`);
  for (const [name, gradient] of expected.gradients) {
    const unscaled = made.gradients.get(name)!.map((x) => x / scale);
    const error = relativeError(unscaled, gradient);
    const own = Math.hypot(...gradient);
    const share = (error * own) / (own + 0.1 * expected.norm);
    assert.ok(share <= ofGradients, `gradient of ${name}: relative error ${error}`);
  }
}

async function logitsOn(device: Device, { start, batch }: StepCase) {
  const executable = await device.compile(logitsGraph(start.model, batch.sizes));
  const inputs = new Map<string, TensorData>([...start.parameters, ...batch.tensors]);
  const logits = await executable.run(inputs);
  await executable.release();
  return logits;
}

async function compareLogits(device: Device, one: StepCase): Promise<void> {
  const expected = await once(expectedLogits, one, () => logitsOn(reference, one));
  assertConforms(await logitsOn(device, one), expected);
}

const cases = stepCases();
await forEachDevice((name, device) => {
  for (const one of cases) {
    if (one.options === undefined)
      test(`${name}: logits of ${one.name}`, () => compareLogits(device, one));
    if (one.start.model.task === "feature-extraction") continue;
    test(`${name}: a training step of ${one.name}`, () => compareSteps(device, one));
    if (device.lacksPrecision === undefined || one.options !== undefined) continue;
    for (const type of ["float16", "bfloat16"] as const)
      test(`${name}: a training step of ${one.name} in ${type}`, async (t) => {
        const reason = await device.lacksPrecision!(type);
        return reason === undefined ? compareIn(type, device, one) : t.skip(reason);
      });
  }
});
