import assert from "node:assert/strict";
import { test } from "node:test";
import { parameter } from "../../models/parameters.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { createOptimizer } from "../../training/optimizers/create-optimizer.ts";
import { completeArguments, type TrainingArguments } from "../../training/training-arguments.ts";
import layers from "../golden/layer-rates.json" with { type: "json" };
import golden from "../golden/optimizers.json" with { type: "json" };

const spec = (name: string, shape: readonly number[], decays: boolean) =>
  ({ name, shape, initial: "zeros", decays }) as const;

type Values = Readonly<Record<string, readonly number[]>>;

/** Steps through all gradients; at `restartAt` another optimizer goes on from the state of the first. */
function stepped(
  specs: readonly ReturnType<typeof spec>[],
  { start, gradients }: { start: Values; gradients: readonly Values[] },
  given: Partial<TrainingArguments>,
  restartAt = -1,
) {
  const complete = completeArguments(given);
  let optimizer = createOptimizer(specs, complete);
  const parameters = new Map(
    specs.map(({ name, shape }) => [name, parameter(shape, Float32Array.from(start[name]!))]),
  );
  for (const [step, values] of gradients.entries()) {
    if (step === restartAt) {
      const state = optimizer.state();
      optimizer = createOptimizer(specs, complete);
      optimizer.restore(state, step);
    }
    const sum = new GradientSum();
    for (const [name, gradient] of Object.entries(values))
      sum.addDense(name, Float32Array.from(gradient));
    optimizer.step(parameters, sum, { learningRate: 1e-2, gradientScale: 1 });
  }
  return parameters;
}

function assertClose(found: ReturnType<typeof stepped>, expected: Values): void {
  for (const [name, values] of Object.entries(expected))
    for (const [i, value] of values.entries()) {
      const difference = Math.abs(found.get(name)!.data[i]! - value);
      assert.ok(difference < 1e-6, `${name}[${i}] is off by ${difference}`);
    }
}

for (const { optim, arguments: given, shape, after, ...course } of golden) {
  const settings = { ...given, optim } as Partial<TrainingArguments>;
  const specs = [spec("w", shape, true), spec("b", [4], false)];
  test(`six steps of ${optim} ${JSON.stringify(given)} equal PyTorch's`, () => {
    assertClose(stepped(specs, course as never, settings), after);
  });
  test(`${optim} ${JSON.stringify(given)} goes on from its state in the same bits`, () => {
    assert.deepEqual(
      stepped(specs, course as never, settings, 3),
      stepped(specs, course as never, settings),
    );
  });
}

test("layer-wise rates equal AdamW with a group for each layer", () => {
  const specs = Object.keys(layers.start).map((name) => spec(name, [3], false));
  assertClose(stepped(specs, layers, { layerwise_lr_decay: 0.5 }), layers.after);
});

test("rows of a table without a gradient move with the momentum, as PyTorch's do", () => {
  const specs = [spec("table", [3, 2], false)];
  const given = completeArguments({ optim: "sgd", optim_args: { momentum: 0.5 } });
  const optimizer = createOptimizer(specs, given);
  const table = parameter([3, 2], new Float32Array(6));
  for (const ids of [[1], [2]]) {
    const sum = new GradientSum();
    sum.addRows("table", { ids, gradients: Float32Array.of(1, 2), paddingRow: undefined });
    optimizer.step(new Map([["table", table]]), sum, { learningRate: 1, gradientScale: 1 });
  }
  assert.deepEqual([...table.data], [0, 0, -1.5, -3, -1, -2]);
});

test("arguments that an optimizer does not take are refused", () => {
  assert.throws(() => completeArguments({ optim: "adamw_bnb_8bit" as never }), {
    message: 'optim is "adamw_bnb_8bit"; expected one of adamw_torch, sgd, adafactor, lion_32bit.',
  });
  assert.throws(() => completeArguments({ optim_args: { momentum: 0.9 } }), {
    message: 'optim_args is {"momentum":0.9}; expected none: adamw_torch takes none.',
  });
});
