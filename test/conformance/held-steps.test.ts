import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorData } from "../../compute/device.ts";
import { nameOf } from "../../compute/graph.ts";
import { updateGraph } from "../../training/device-graphs.ts";
import { completeArguments } from "../../training/training-arguments.ts";
import { trainingGraph } from "../../training/training-graph.ts";
import { drawTensors } from "../rig/case-data.ts";
import { howToGetOrt, openOrtCpu } from "../rig/ort-cpu-device.ts";
import { twins } from "../rig/small-configs.ts";
import { type StepCase, stepCases } from "../rig/step-case.ts";

// The graph that ends a step on a device, of every family and task, as CUDA is reached: on tensors that are held it
// has the bits of one whose tensors come from the host and go back.

const isLinux = process.platform === "linux";
const device = isLinux ? await openOrtCpu() : undefined;
const given = completeArguments({ weight_decay: 0.01, max_grad_norm: 0.5, ema_decay: 0.9 });

async function compare({ start, batch, options }: StepCase): Promise<void> {
  const { model, parameters } = start;
  const training = trainingGraph(model, batch.sizes, options);
  const { graph, next } = updateGraph(training, { model, given, adds: false });
  const repeats = options?.checkpointing ?? false;
  const drawn = graph.inputs.map((value) => {
    const { shape, dtype } = value;
    return [nameOf(value), { shape, dtype, range: dtype === "uint8" ? [0, 2] : [0.01, 0.5] }];
  });
  const all = new Map<string, TensorData>([
    ...Object.entries(drawTensors(Object.fromEntries(drawn))),
    ...parameters,
    ...batch.tensors,
  ]);

  const plain = await device!.compile(graph, { repeats });
  const expected = await plain.run(all);
  await plain.release();

  const held = device!.hold!();
  const stays = new Set([...next.values(), ...parameters.keys()]);
  for (const name of stays) await held.write([[name, all.get(name)!]]);
  const resident = await held.compile(graph, { next, repeats });
  const made = await resident.run(new Map([...all].filter(([name]) => !stays.has(name))));
  for (const [output, name] of next) made[output] = (await held.read([name])).get(name)!;
  await resident.release();
  await held.release();
  assert.ok(next.size > 20 && Number.isFinite(expected.loss!.data[0]));
  assert.deepEqual(made, expected);
}

for (const one of stepCases()) {
  const isTwin = Object.keys(twins).some((twin) => one.name.startsWith(`${twin} `));
  if (one.start.model.task === "feature-extraction" || isTwin) continue;
  test(`a step of ${one.name}, held`, { skip: !isLinux && howToGetOrt }, () => compare(one));
}
