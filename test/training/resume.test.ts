import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { createModel, formatPretrained } from "../../models/pretrained.ts";
import { type FineTuneOptions, fineTune } from "../../training/fine-tune.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";

const device = await openOnnxruntimeDevice({ threads: 1 });
const start = createModel(markedConfig, {
  task: "sequence-classification",
  labels: ["even", "odd"],
  seed: 1,
});
const [dataset, evaluation] = [markedRows(46, 1), markedRows(20, 2)]; // 6 steps in an epoch

/** Everything whose bytes a resumed training must share: weights and trainer_state.json. */
async function train(given: Partial<TrainingArguments>, options: Partial<FineTuneOptions> = {}) {
  const told: string[] = [];
  let steps = 0;
  const { trained, state } = await fineTune({
    start,
    dataset,
    evaluation,
    device,
    arguments: given,
    onNotice: (notice) => told.push(notice),
    ...options,
    onProgress: (progress) => {
      steps++;
      options.onProgress?.(progress);
    },
  });
  const weights = Buffer.from(formatPretrained(trained).get("model.safetensors")!);
  return { weights, state, told, steps };
}

/** Trains until after so many steps the process would be gone. */
async function killed(
  after: number,
  given: Partial<TrainingArguments>,
  checkpoints: MemoryCheckpoints,
): Promise<void> {
  const onProgress = ({ step }: { step: number }) => {
    if (step === after) throw new Error("killed");
  };
  await assert.rejects(train(given, { checkpoints, onProgress }), { message: "killed" });
}

const everything: Partial<TrainingArguments> = {
  eval_on_start: true,
  num_train_epochs: 4,
  learning_rate: 5e-3,
  weight_decay: 0.01,
  lr_scheduler_type: "cosine",
  warmup_steps: 3,
  gradient_accumulation_steps: 1,
  group_by_length: true,
  eval_strategy: "steps",
  eval_steps: 4,
  load_best_model_at_end: true,
  early_stopping_patience: 4,
  logging_steps: 5,
};

test("killed after any step, training ends in the bytes of one that was left alone", async () => {
  const straight = await train(everything);
  assert.ok(straight.steps > 16, `${straight.steps} steps`);
  for (const after of [1, 5, 9, 17]) {
    const checkpoints = new MemoryCheckpoints();
    const saving = { ...everything, save_strategy: "steps", save_steps: 2 } as const;
    await killed(after, saving, checkpoints);
    const resumed = await train(saving, { checkpoints });
    const from = after === 1 ? 0 : after - 1 - ((after - 1) % 2);
    assert.equal(resumed.steps, straight.steps - from, `killed after ${after}`);
    assert.ok(resumed.weights.equals(straight.weights), `killed after ${after}`);
    assert.deepEqual(resumed.state, straight.state);
  }
});

for (const more of [
  { ema_decay: 0.8 },
  { optim: "lion_32bit", class_weights: [1, 3] },
  { optim: "adafactor", layerwise_lr_decay: 0.5, label_smoothing_factor: 0.1 },
] as const)
  test(`${JSON.stringify(more)}: a resumed training ends in the bytes of a straight one`, async () => {
    const given = { ...everything, ...more, save_strategy: "steps", save_steps: 5 } as const;
    const [straight, checkpoints] = [await train(given), new MemoryCheckpoints()];
    await killed(8, given, checkpoints);
    const resumed = await train(given, { checkpoints });
    assert.equal(resumed.steps, straight.steps - 5);
    assert.ok(resumed.weights.equals(straight.weights));
    assert.deepEqual(resumed.state, straight.state);
  });

test("interrupted, it saves first and loses no step", async () => {
  const straight = await train(everything);
  const checkpoints = new MemoryCheckpoints();
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => void (step === 7 && controller.abort());
  const stopping = train(everything, { checkpoints, onProgress, signal: controller.signal });
  await assert.rejects(stopping, { name: "AbortError" });
  const resumed = await train(everything, { checkpoints });
  assert.equal(resumed.told[0], "goes on from checkpoint-7 of 24 steps");
  assert.equal(resumed.steps, straight.steps - 7);
  assert.ok(resumed.weights.equals(straight.weights));
  assert.deepEqual(resumed.state, straight.state);
});

test("a damaged checkpoint is told of, and the one before it used", async () => {
  const given = { num_train_epochs: 2, save_strategy: "steps", save_steps: 3 } as const;
  const straight = await train(given);
  const checkpoints = new MemoryCheckpoints();
  await killed(10, given, checkpoints);
  checkpoints.damaged.add("checkpoint-9");
  const resumed = await train(given, { checkpoints });
  assert.deepEqual(resumed.told, [
    "checkpoint-9 is not used: it is damaged (a blob has other bytes)",
    "goes on from checkpoint-6 of 12 steps",
  ]);
  assert.equal(resumed.steps, 6);
  assert.ok(resumed.weights.equals(straight.weights));
});

test("where a checkpoint cannot be saved, training goes on and the one before stays", async () => {
  const given = { num_train_epochs: 2, save_strategy: "steps", save_steps: 4 } as const;
  const checkpoints = new MemoryCheckpoints();
  const onProgress = ({ step }: { step: number }) => {
    checkpoints.isFull = step === 8;
    if (step === 9) throw new Error("killed");
  };
  await assert.rejects(train(given, { checkpoints, onProgress }), { message: "killed" });
  assert.deepEqual(checkpoints.names, ["checkpoint-4"]);
  const resumed = await train(given, { checkpoints });
  assert.deepEqual([resumed.told, resumed.steps], [["goes on from checkpoint-4 of 12 steps"], 8]);
});

test("three epochs, then five: two are trained, with the bytes of five", async () => {
  for (const more of [
    {},
    { lr_scheduler_type: "constant_with_warmup", warmup_steps: 4 },
  ] as const) {
    const given = { lr_scheduler_type: "constant", eval_strategy: "epoch", ...more } as const;
    const checkpoints = new MemoryCheckpoints();
    const short = await train({ ...given, num_train_epochs: 3, logging_steps: 3 }, { checkpoints });
    assert.deepEqual([short.steps, checkpoints.names], [18, ["checkpoint-18"]]);
    const long = { ...given, num_train_epochs: 5, logging_steps: 5 };
    const [continued, straight] = [await train(long, { checkpoints }), await train(long)];
    assert.equal(continued.steps, 12);
    assert.deepEqual(continued.told, ["goes on from checkpoint-18 of 30 steps"]);
    assert.ok(continued.weights.equals(straight.weights));
    assert.deepEqual(continued.state, straight.state);
    assert.deepEqual(checkpoints.names, ["checkpoint-18", "checkpoint-30"]);
  }
});

test("warmup_stable_decay goes on from where its decay began", async () => {
  const given = {
    lr_scheduler_type: "warmup_stable_decay",
    warmup_steps: 2,
    lr_scheduler_kwargs: { num_decay_steps: 4 },
    learning_rate: 1e-3,
  } as const;
  const checkpoints = new MemoryCheckpoints();
  await train({ ...given, max_steps: 12 }, { checkpoints });
  assert.deepEqual(checkpoints.names, ["checkpoint-8", "checkpoint-12"]);
  const longer = await train({ ...given, max_steps: 20 }, { checkpoints });
  const straight = await train({ ...given, max_steps: 20 });
  assert.equal(longer.steps, 12);
  assert.match(longer.told[0]!, /^checkpoint-12 is not used: the learning rate of step 10 was /);
  assert.equal(longer.told[1], "goes on from checkpoint-8 of 20 steps");
  assert.ok(longer.weights.equals(straight.weights));
});

test("a schedule that looks ahead starts again, and says why and what would not", async () => {
  const checkpoints = new MemoryCheckpoints();
  await train({ num_train_epochs: 3 }, { checkpoints });
  const again = await train({ num_train_epochs: 5 }, { checkpoints });
  assert.equal(again.steps, 30);
  assert.deepEqual(again.told, [
    "checkpoint-18 is not used: the learning rate of step 2 was 0.0000472222 and is now 0.0000483333: lr_scheduler_type linear looks ahead to the last step, so training starts again (constant, constant_with_warmup, inverse_sqrt, reduce_lr_on_plateau, greedy and, before its decay, warmup_stable_decay do not)",
  ]);
});

test("other evaluations and other logs train no step", async () => {
  const checkpoints = new MemoryCheckpoints();
  const given = { num_train_epochs: 3, learning_rate: 5e-3, save_strategy: "epoch" } as const;
  await train(given, { checkpoints });
  for (const change of [
    { eval_strategy: "epoch" },
    { eval_strategy: "epoch", load_best_model_at_end: true },
    { eval_strategy: "epoch", load_best_model_at_end: true, metric_for_best_model: "accuracy" },
    { logging_steps: 1 },
    { eval_strategy: "steps", eval_steps: 6 },
    { eval_strategy: "epoch", eval_delay: 2 },
    { eval_strategy: "epoch", eval_on_start: true, load_best_model_at_end: true },
  ] as const) {
    const changed = await train({ ...given, ...change }, { checkpoints });
    const straight = await train({ ...given, ...change });
    assert.deepEqual([changed.steps, changed.state], [0, straight.state], JSON.stringify(change));
    assert.ok(changed.weights.equals(straight.weights));
  }
  const between = { ...given, eval_strategy: "steps", eval_steps: 4 } as const;
  const { steps, told } = await train(between, { checkpoints });
  assert.deepEqual(
    [steps, told.at(-1)],
    [18, "checkpoint-6 is not used: it was not evaluated after step 4"],
  );
});

test("early stopping ends as transformers' callback does, and says so", async () => {
  const given = { learning_rate: 0.5, num_train_epochs: 9, lr_scheduler_type: "constant" } as const;
  const stopping = { ...given, eval_strategy: "epoch", early_stopping_patience: 2 } as const;
  const { state, told } = await train(stopping);
  const losses = state.log_history.flatMap(({ eval_loss }) => eval_loss ?? []);
  const best = losses.indexOf(Math.min(...losses));
  assert.equal(losses.length, best + 3);
  assert.equal(state.global_step, 6 * losses.length);
  assert.deepEqual(state.stateful_callbacks, {
    EarlyStoppingCallback: {
      args: { early_stopping_patience: 2, early_stopping_threshold: 0 },
      attributes: { early_stopping_patience_counter: 2 },
    },
  });
  assert.match(
    told[0]!,
    /^stops early after step \d+: 2 evaluations were no better than that after step \d+ /,
  );
});

const following = {
  logging_steps: 1,
  eval_on_start: true,
  lr_scheduler_type: "reduce_lr_on_plateau",
  lr_scheduler_kwargs: { patience: 0, factor: 0.5 },
  learning_rate: 0.02,
  eval_strategy: "steps",
  eval_steps: 3,
  metric_for_best_model: "accuracy",
} as const;

test("a rate that follows the evaluations is the same after a kill, and in a longer training", async () => {
  const greedy = { lr_scheduler_type: "greedy", lr_scheduler_kwargs: { patience: 0 } } as const;
  for (const given of [following, { ...following, ...greedy }]) {
    const straight = await train({ ...given, num_train_epochs: 5 });
    const rates = straight.state.log_history.map(({ learning_rate }) => learning_rate);
    assert.ok(new Set(rates).size > 1, JSON.stringify(rates));
    const checkpoints = new MemoryCheckpoints();
    const saving = {
      ...given,
      num_train_epochs: 3,
      save_strategy: "steps",
      save_steps: 4,
    } as const;
    await killed(10, saving, checkpoints);
    const resumed = await train(saving, { checkpoints });
    assert.deepEqual(
      [resumed.steps, resumed.told],
      [10, ["goes on from checkpoint-8 of 18 steps"]],
    );
    const longer = await train({ ...saving, num_train_epochs: 5 }, { checkpoints });
    assert.deepEqual([longer.steps, longer.told], [12, ["goes on from checkpoint-18 of 30 steps"]]);
    assert.ok(longer.weights.equals(straight.weights));
    assert.deepEqual(longer.state, straight.state);
  }
});

test("a rate that followed other evaluations is trained anew from where it differs", async () => {
  const checkpoints = new MemoryCheckpoints();
  const given = {
    ...following,
    num_train_epochs: 2,
    save_strategy: "steps",
    save_steps: 3,
  } as const;
  await train(given, { checkpoints });
  const patient = { ...given, lr_scheduler_kwargs: { patience: 1, factor: 0.5 } };
  const [changed, straight] = [await train(patient, { checkpoints }), await train(patient)];
  assert.match(
    changed.told[0]!,
    /^checkpoint-12 is not used: the learning rate of step \d+ was [\d.]+ and is now [\d.]+: the evaluations were other ones$/,
  );
  assert.ok(changed.weights.equals(straight.weights));
  assert.deepEqual(changed.state, straight.state);
});
