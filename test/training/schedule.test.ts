import assert from "node:assert/strict";
import { test } from "node:test";
import { learningRateAt, warmupSteps } from "../../training/schedule.ts";
import type { SchedulerKwargs, SchedulerType } from "../../training/scheduler-kwargs.ts";
import {
  completeArguments,
  defaultArguments,
  type TrainingArguments,
} from "../../training/training-arguments.ts";
import golden from "../golden/schedules.json" with { type: "json" };

for (const { type, warmup, total, kwargs, rates } of golden)
  test(`${type} with ${warmup} steps of warm-up ${JSON.stringify(kwargs)} equals transformers' schedule`, () => {
    const given = {
      learning_rate: 2e-3,
      lr_scheduler_type: type as SchedulerType,
      warmup_steps: warmup,
      warmup_ratio: 0,
      lr_scheduler_kwargs: kwargs as SchedulerKwargs,
    };
    for (const [step, rate] of rates.entries())
      assert.ok(Math.abs(learningRateAt(step, total, given) - rate) < 1e-18, `step ${step}`);
  });

const warmups: [Partial<TrainingArguments>, number][] = [
  [{}, 0],
  [{ warmup_steps: 7 }, 7],
  [{ warmup_steps: 0.1 }, 3],
  [{ warmup_ratio: 0.1 }, 3],
  [{ warmup_ratio: 0.5, warmup_steps: 4 }, 4],
];
for (const [given, expected] of warmups)
  test(`warm-up of 25 steps for ${JSON.stringify(given)}: ${expected}`, () => {
    assert.equal(warmupSteps({ ...defaultArguments, ...given }, 25), expected);
  });

const refused: [Partial<TrainingArguments>, string][] = [
  [{ learning_rate: -1 }, "learning_rate is -1; expected a number of at least 0."],
  [{ learning_rate: Number.NaN }, "learning_rate is null; expected a number of at least 0."],
  [{ num_train_epochs: 0 }, "num_train_epochs is 0; expected a number above 0."],
  [
    { per_device_train_batch_size: 1.5 },
    "per_device_train_batch_size is 1.5; expected a whole number of at least 1.",
  ],
  [{ warmup_steps: 1.5 }, "warmup_steps is 1.5; expected a whole number, or a share below 1."],
  [{ adam_beta2: 1 }, "adam_beta2 is 1; expected a number from 0 to less than 1."],
  [
    { lr_scheduler_type: "step" as never },
    'lr_scheduler_type is "step"; expected one of linear, cosine, cosine_with_restarts, polynomial, constant, constant_with_warmup, inverse_sqrt, cosine_with_min_lr, cosine_warmup_with_min_lr, warmup_stable_decay, reduce_lr_on_plateau, greedy.',
  ],
  [
    { lr_scheduler_type: "warmup_stable_decay" },
    "lr_scheduler_kwargs is {}; expected num_decay_steps, of num_decay_steps, num_stable_steps, warmup_type, decay_type, min_lr_ratio, num_cycles for warmup_stable_decay.",
  ],
  [
    { lr_scheduler_kwargs: { power: 2 } },
    'lr_scheduler_kwargs is {"power":2}; expected none: linear takes none.',
  ],
  [
    { load_best_model_at_end: true },
    'load_best_model_at_end is true; expected eval_strategy "epoch" or "steps" beside it.',
  ],
];
for (const [given, message] of refused)
  test(`refused: ${message}`, () => {
    assert.throws(() => completeArguments(given), { code: "argument-invalid", message });
  });
