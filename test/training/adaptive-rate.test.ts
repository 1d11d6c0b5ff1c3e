import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdaptiveSchedule, adaptedRate } from "../../training/adaptive-rate.ts";
import { learningRateAt } from "../../training/schedule.ts";
import type { SchedulerKwargs } from "../../training/scheduler-kwargs.ts";
import { completeArguments } from "../../training/training-arguments.ts";
import golden from "../golden/adaptive.json" with { type: "json" };

for (const { type, peak, kwargs, values, rates } of golden)
  test(`${type} ${JSON.stringify(kwargs)} equals PyTorch's or transformers' after each evaluation`, () => {
    const found = values.map((_, i) =>
      adaptedRate(type as AdaptiveSchedule, values.slice(0, i + 1), {
        peak,
        kwargs: kwargs as SchedulerKwargs,
      }),
    );
    assert.deepEqual(found, rates);
    assert.ok(new Set(rates).size > 2);
  });

test("a step has the rate after the evaluations before it, by metric_for_best_model", () => {
  const given = completeArguments({
    learning_rate: 1,
    lr_scheduler_type: "reduce_lr_on_plateau",
    lr_scheduler_kwargs: { patience: 0, factor: 0.5, mode: "max" },
    metric_for_best_model: "eval_accuracy",
    eval_strategy: "steps",
  });
  const evaluations = new Map([
    [4, { loss: 9, accuracy: 0.5 }],
    [2, { loss: 1, accuracy: 0.6 }],
    [6, { loss: 1, accuracy: 0.7 }],
    [8, { loss: 1, accuracy: 0.7 }],
  ]);
  const rates = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((step) =>
    learningRateAt(step, 10, given, evaluations),
  );
  assert.deepEqual(rates, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
});

test("a schedule that follows evaluations is refused without them", () => {
  assert.throws(() => completeArguments({ lr_scheduler_type: "greedy" }), {
    code: "argument-invalid",
    message: 'lr_scheduler_type is "greedy"; expected eval_strategy "epoch" or "steps" beside it.',
  });
});
