import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSafetensors } from "../../models/safetensors.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { refusedArgumentProblems } from "../../stages/fine-tune/refused-arguments.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { type TestRow, tinyConfig, tokensOf, weather } from "../rig/tokens-of.ts";

const quick = {
  model: { config: tinyConfig },
  learning_rate: 0.01,
  num_train_epochs: 6,
  per_device_train_batch_size: 4,
};

test("learns what tells the labels apart; the result is a Hugging Face folder", async () => {
  const dataset = tokensOf({ train: weather(24), validation: weather(6) });
  const { files, metrics, progress, log } = await runStage(fineTune, {
    params: { ...quick, logging_steps: 18 },
    inputs: { dataset },
  });
  assert.deepEqual(files.model.paths, [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "trainer_state.json",
    "training.json",
  ]);
  assert.equal(metrics.eval_accuracy, 1);
  assert.equal(metrics.steps, 36);
  assert.equal(metrics.epochs, 6);
  assert.deepEqual(Object.keys(metrics).sort(), [
    "epochs",
    "eval_accuracy",
    "eval_loss",
    "eval_macro_f1",
    "eval_weighted_f1",
    "steps",
    "train_loss",
  ]);
  const config = JSON.parse(await files.model.readText("config.json"));
  assert.deepEqual(
    [config.id2label, config.vocab_size, config.architectures],
    [{ 0: "cold", 1: "warm" }, 20, ["BertForSequenceClassification"]],
  );
  assert.equal(await files.model.readText("tokenizer.json"), "{}");
  assert.deepEqual(
    progress.map(({ done, total, unit }) => `${done}/${total} ${unit}`),
    Array.from({ length: 36 }, (_, i) => `${i + 1}/36 steps`),
  );
  assert.ok(progress.every(({ metrics }) => metrics!.loss! > 0 && metrics!.tokens_per_second! > 0));
  assert.equal(log[0], "start: random weights");
  assert.deepEqual(
    log.slice(1).map((line) => line.replace(/loss.*/, "…")),
    [
      "memory of a step of 4 x 8 tokens, beside weights and optimizer: about 1 MiB (1 MiB with gradient_checkpointing)",
      "step 18/36 epoch 3.00 …",
      "step 36/36 epoch 6.00 …",
    ],
  );
});

test("training.json and trainer_state.json tell the course, without times", async () => {
  const dataset = tokensOf({ train: weather(8), validation: weather(4) });
  const params = { ...quick, num_train_epochs: 2, weight_decay: 0.01 };
  const { files, metrics } = await runStage(fineTune, { params, inputs: { dataset }, seed: 7 });
  const training = JSON.parse(await files.model.readText("training.json"));
  assert.deepEqual(training, {
    task: "sequence-classification",
    arguments: {
      learning_rate: 0.01,
      num_train_epochs: 2,
      max_steps: -1,
      per_device_train_batch_size: 4,
      per_device_eval_batch_size: 8,
      gradient_accumulation_steps: 1,
      lr_scheduler_type: "linear",
      warmup_steps: 0,
      warmup_ratio: 0,
      weight_decay: 0.01,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      max_grad_norm: 1,
      shuffle: true,
      group_by_length: false,
      eval_strategy: "epoch",
      load_best_model_at_end: false,
      metric_for_best_model: "loss",
    },
    seed: 7,
    start: "random",
    max_length: 8,
    rows: { train: 8, validation: 4 },
    labels: ["cold", "warm"],
    metrics,
  });
  const state = JSON.parse(await files.model.readText("trainer_state.json"));
  assert.deepEqual([state.global_step, state.epoch, state.max_steps], [4, 2, 4]);
  assert.deepEqual(
    state.log_history.map(({ step, ...entry }: Record<string, number>) => [
      step,
      Object.keys(entry).sort().join(" "),
    ]),
    [
      [1, "epoch grad_norm learning_rate loss"],
      [2, "epoch grad_norm learning_rate loss"],
      [2, "epoch eval_accuracy eval_loss eval_macro_f1 eval_weighted_f1"],
      [3, "epoch grad_norm learning_rate loss"],
      [4, "epoch grad_norm learning_rate loss"],
      [4, "epoch eval_accuracy eval_loss eval_macro_f1 eval_weighted_f1"],
      [4, "epoch train_loss"],
    ],
  );
});

test("equal inputs give equal bytes, whatever logging_steps; another seed gives others", async () => {
  const dataset = tokensOf({ train: weather(12) });
  const params = { ...quick, num_train_epochs: 1 };
  const bytesOf = async (more: object, seed: number) => {
    const run = await runStage(fineTune, {
      params: { ...params, ...more },
      inputs: { dataset },
      seed,
    });
    return run.files.model.texts();
  };
  const once = await bytesOf({}, 1);
  for (const silent of [
    { logging_steps: 3 },
    { logging_strategy: "no", logging_first_step: true },
    { gradient_checkpointing: true },
    { save_strategy: "steps", save_steps: 0.5 },
    { dataloader_drop_last: false, eval_delay: 0, use_cpu: false },
  ])
    assert.deepEqual(await bytesOf(silent, 1), once, JSON.stringify(silent));
  assert.notDeepEqual(await bytesOf({}, 2), once);
});

test("load_best_model_at_end returns the best epoch's model and its metrics; without it they are the last's", async () => {
  const dataset = tokensOf({ train: weather(8), validation: weather(4) });
  // So high a learning rate that the second epoch undoes the first.
  const params = {
    ...quick,
    num_train_epochs: 3,
    learning_rate: 0.3,
    lr_scheduler_type: "constant",
  };
  const best = { load_best_model_at_end: true };
  const { files, metrics } = await runStage(fineTune, {
    params: { ...params, ...best },
    inputs: { dataset },
  });
  const state = JSON.parse(await files.model.readText("trainer_state.json"));
  const losses = state.log_history.flatMap(({ eval_loss }: { eval_loss?: number }) =>
    eval_loss === undefined ? [] : [eval_loss],
  );
  assert.equal(losses.length, 3);
  assert.notEqual(losses.at(-1), Math.min(...losses));
  assert.equal(metrics.eval_loss, Math.min(...losses));
  assert.equal(state.best_metric, metrics.eval_loss);

  const last = await runStage(fineTune, { params, inputs: { dataset } });
  assert.equal(last.metrics.eval_loss, losses.at(-1));
});

test("a dataset whose only split has another name is trained on, without evaluation", async () => {
  const { metrics } = await runStage(fineTune, {
    params: { ...quick, max_steps: 2 },
    inputs: { dataset: tokensOf({ all: weather(8) }) },
  });
  assert.deepEqual(Object.keys(metrics).sort(), ["epochs", "steps", "train_loss"]);
  assert.deepEqual([metrics.steps, metrics.epochs], [2, 1]);
});

test("training goes on from a model of another stage: head and label order are kept by name", async () => {
  const first = await runStage(fineTune, {
    params: quick,
    inputs: { dataset: tokensOf({ train: weather(24) }) },
  });
  const { model: _, ...rest } = quick;
  const second = await runStage(fineTune, {
    params: { ...rest, max_steps: 1, learning_rate: 1e-9 },
    inputs: { dataset: tokensOf({ train: weather(24) }), model: first.outputs.model },
  });
  assert.equal(second.log[0], "start: a checkpoint with its classification head for 2 labels");
  const before = parseSafetensors(await first.files.model.read("model.safetensors")).tensors;
  const after = parseSafetensors(await second.files.model.read("model.safetensors")).tensors;
  assert.deepEqual([...after.keys()], [...before.keys()]);
  const floats = (bytes: Uint8Array) => new Float32Array(new Uint8Array(bytes).buffer);
  for (const [name, { bytes }] of before) {
    const [was, is] = [floats(bytes), floats(after.get(name)!.bytes)];
    assert.ok(
      is.every((value, i) => Math.abs(value - was[i]!) < 1e-6),
      name,
    );
  }
});

test("other labels than the checkpoint's: a new head, drawn from the seed", async () => {
  const first = await runStage(fineTune, {
    params: { ...quick, max_steps: 1 },
    inputs: { dataset: tokensOf({ train: weather(8) }) },
  });
  const { model: _, ...rest } = quick;
  const rows: readonly TestRow[] = [...weather(4), [[2, 7, 3], "mild"]];
  const { log, files } = await runStage(fineTune, {
    params: { ...rest, max_steps: 1 },
    inputs: { dataset: tokensOf({ train: rows }), model: first.outputs.model },
  });
  assert.equal(
    log[0],
    "start: a checkpoint; drawn from the seed: classifier.weight, classifier.bias",
  );
  const config = JSON.parse(await files.model.readText("config.json"));
  assert.deepEqual(config.id2label, { 0: "cold", 1: "mild", 2: "warm" });
});

test("a checkpoint's folder as param; fewer labels than it knows keep its head", async (t) => {
  const { files } = await runStage(fineTune, {
    params: { ...quick, max_steps: 1 },
    inputs: { dataset: tokensOf({ train: [...weather(4), [[2, 7, 3], "mild"]] }) },
  });
  const model = await temporaryFolder(t, {
    "config.json": await files.model.read("config.json"),
    "model.safetensors": await files.model.read("model.safetensors"),
  });
  const again = await runStage(fineTune, {
    params: { ...quick, model, max_steps: 1 },
    inputs: { dataset: tokensOf({ train: weather(8) }) },
  });
  assert.equal(again.log[0], "start: a checkpoint with its classification head for 3 labels");
  const training = JSON.parse(await again.files.model.readText("training.json"));
  assert.deepEqual(
    [training.labels, training.start],
    [["cold", "mild", "warm"], "checkpoint-with-head"],
  );
  assert.ok(!(await again.files.model.readText("training.json")).includes(model));
});

test("an aborted training throws the signal's reason", async () => {
  const aborted = AbortSignal.abort(new Error("stop"));
  const running = runStage(fineTune, {
    params: quick,
    inputs: { dataset: tokensOf({ train: weather(8) }) },
    signal: aborted,
  });
  await assert.rejects(running, /^Error: stop$/);
});

const wrong: readonly {
  readonly name: string;
  readonly splits: Parameters<typeof tokensOf>[0];
  readonly params?: object;
  readonly problem: object;
}[] = [
  {
    name: "rows without a label",
    splits: { train: [[[2, 3], "a"], [[2, 3]], [[2, 3]]] },
    problem: {
      code: "rows-without-label",
      message: '2 of 3 rows of the split "train" have no label, the first of them "train-2".',
      hint: "set `label` in the load stage to the column that holds it",
    },
  },
  {
    name: "one label only",
    splits: {
      train: [
        [[2, 3], "a"],
        [[2, 4], "a"],
      ],
    },
    problem: {
      code: "one-label",
      message: 'All 2 rows of the split "train" have the label "a".',
      hint: "a classifier needs rows of at least two labels",
    },
  },
  {
    name: "no rows",
    splits: { train: [] },
    problem: {
      code: "no-rows",
      message: 'The split "train" has no rows to train on.',
      hint: "look at the reports of the stages before: which rule dropped them?",
    },
  },
  {
    name: "a label of validation that training does not have",
    splits: {
      train: weather(4),
      validation: [
        [[2, 3], "mild"],
        [[2, 3], "wet"],
        [[2, 3], "mild"],
      ],
    },
    problem: {
      code: "unknown-label",
      message:
        'The split "validation" has the label "mild", which the split "train" does not have: 2 rows, the first of them "validation-1". So with 1 more labels: "wet".',
      hint: 'put rows of this label into the training split, or drop them; a split stage with "stratify: label" keeps labels in all splits',
    },
  },
  {
    name: "no split to train on",
    splits: { test: weather(4), validation: weather(4) },
    problem: {
      code: "no-train-split",
      message: 'The dataset has no split "train"; it has: test, validation.',
      hint: "name the split to train on, as in `in: tokens.SPLIT`",
    },
  },
  {
    name: "ids outside the vocabulary",
    splits: { train: [...weather(4), [[2, 19], "cold"]] },
    params: { model: { config: { ...tinyConfig, vocab_size: 19 } } },
    problem: {
      code: "ids-outside-vocabulary",
      message: 'The split "train" has the token id 19, but the model\'s vocabulary has 19 tokens.',
      hint: "tokenize with the model's own tokenizer, or leave vocab_size out of the config",
    },
  },
  {
    name: "rows longer than the model takes",
    splits: { train: [...weather(4), [[2, 4, 4, 4, 4, 4, 4, 4, 3], "cold"]] },
    problem: {
      code: "rows-too-long",
      message:
        '1 of 5 rows of the split "train" are longer than the 8 tokens that the model takes (max_position_embeddings); "train-5" has 9.',
      hint: "set max_length: 8 in the tokenize stage",
    },
  },
  {
    name: "a folder without a checkpoint",
    splits: { train: weather(4) },
    params: { model: "no/such/folder" },
    problem: {
      code: "checkpoint-missing",
      message: "The checkpoint cannot be used: The model has no config.json.",
    },
  },
  {
    name: "a config that does not fit itself",
    splits: { train: weather(4) },
    params: { model: { config: { ...tinyConfig, num_attention_heads: 3 } } },
    problem: {
      code: "config-unsupported",
      message:
        'The config of `model` cannot be used: config.json: "num_attention_heads" is 3; expected a divisor of hidden_size 16.',
      hint: "A model with this setting would compute other numbers here than in transformers.",
    },
  },
  {
    name: "products in 16 bits on the processor",
    splits: { train: weather(4) },
    params: { mixed_precision: "bf16" },
    problem: {
      code: "precision-not-supported",
      message:
        'The device "cpu" cannot train with mixed_precision: bf16: it computes in float32 alone.',
      hint: "leave mixed_precision out, or run on a graphics device that has it (--device cuda, for fp16 also webgpu)",
    },
  },
  {
    name: "an evaluation without rows",
    splits: { train: weather(4) },
    params: { eval_strategy: "epoch" },
    problem: {
      code: "no-validation-split",
      message: 'eval_strategy is "epoch", but the dataset has no rows in a split "validation".',
      hint: "make one with a split stage: validation: 0.1, or leave eval_strategy out",
    },
  },
];

for (const { name, splits, params, problem } of wrong)
  test(`fails: ${name}`, async () => {
    const running = runStage(fineTune, {
      params: { ...quick, ...params },
      inputs: { dataset: tokensOf(splits) },
    });
    assert.deepEqual(await problemOf(running), problem);
  });

test("fails: a model of another tokenizer", async () => {
  const { outputs } = await runStage(fineTune, {
    params: { ...quick, max_steps: 1 },
    inputs: { dataset: tokensOf({ train: weather(4) }) },
  });
  const { model: _, ...params } = quick;
  const other = tokensOf({ train: weather(4) }, { tokenizer: "{ }" });
  const running = runStage(fineTune, { params, inputs: { dataset: other, model: outputs.model } });
  assert.deepEqual(await problemOf(running), {
    code: "other-tokenizer",
    message: "The dataset was tokenized with another tokenizer than the model was trained with.",
    hint: "give both stages the output of one tokenize stage, or tokenize with the model's own tokenizer.json",
  });
});

test("check: what cannot be done is refused by name", () => {
  const problemsOf = (params: object, splits?: readonly string[], more: object = {}) =>
    fineTune.check!(paramsOf(fineTune, params), { dataset: splits, ...more }).map(
      ({ at, code, message }) => [at.join("."), code, message],
    );
  const model = "models/bert";
  assert.deepEqual(problemsOf({ model }), []);
  assert.deepEqual(problemsOf({}, undefined, { model: undefined }), []);
  assert.deepEqual(problemsOf({}), [["", "no-model", "fine-tune has no model to start from."]]);
  assert.deepEqual(problemsOf({ model }, undefined, { model: undefined }), [
    [
      "model",
      "two-models",
      "fine-tune has a model twice: the param `model` and the input `model`.",
    ],
  ]);
  assert.deepEqual(problemsOf({ model, fp16: false, optim: "adamw_torch", report_to: "none" }), []);
  assert.deepEqual(
    problemsOf({ model, fp16: true, group_by_length: true, deepspeed: { zero: 3 } }),
    [
      ["deepspeed", "argument-not-supported", 'fine-tune does not support "deepspeed: {…}".'],
      ["fp16", "argument-not-supported", 'fine-tune does not support "fp16: true".'],
    ],
  );
  assert.deepEqual(
    refusedArgumentProblems({ bf16: true }).map(({ hint }) => hint),
    ["set mixed_precision: bf16, on a device that has it; or leave it out"],
  );
  assert.deepEqual(problemsOf({ model, eval_steps: 2.5, save_steps: 0.5, warmup_steps: 1 }), [
    [
      "eval_steps",
      "steps-not-whole",
      "eval_steps is 2.5: neither a whole number of steps nor, below 1, a share of all.",
    ],
  ]);
  assert.deepEqual(problemsOf({ model, lr_scheduler_type: "greedy", eval_strategy: "no" }), [
    [
      "lr_scheduler_type",
      "no-evaluation",
      'lr_scheduler_type greedy needs an evaluation, but eval_strategy is "no".',
    ],
  ]);
  assert.deepEqual(problemsOf({ model, optim_args: { momentum: 0.9 } }), [
    ["optim_args", "optim-args", "optim_args are for optim sgd; adamw_torch takes none."],
  ]);
  assert.deepEqual(problemsOf({ model, lr_scheduler_type: "warmup_stable_decay" }), [
    [
      "lr_scheduler_type",
      "scheduler-kwargs",
      "lr_scheduler_kwargs do not fit lr_scheduler_type warmup_stable_decay.",
    ],
  ]);
  assert.deepEqual(problemsOf({ model, eval_strategy: "no", early_stopping_patience: 2 }), [
    [
      "early_stopping_patience",
      "no-evaluation",
      'early_stopping_patience needs an evaluation, but eval_strategy is "no".',
    ],
  ]);
  assert.deepEqual(problemsOf({ model: "hub:google/bert_uncased@main" }), [
    [
      "model",
      "hub-not-supported",
      'Models cannot be fetched from a hub yet: "hub:google/bert_uncased@main".',
    ],
  ]);
  assert.deepEqual(problemsOf({ model, task: "multiple-choice" }), [
    ["task", "task-not-supported", 'The task "multiple-choice" is not supported yet.'],
  ]);
  const [translation] = fineTune.check!(paramsOf(fineTune, { model, task: "translation" }), {});
  assert.match(translation!.hint!, /^did you mean "sequence-to-sequence"\?/);
  assert.deepEqual(problemsOf({ model, packing: true }), [
    [
      "packing",
      "not-packable",
      "packing is for causal-lm; a text of sequence-classification needs a row of its own.",
    ],
  ]);
  assert.deepEqual(problemsOf({ model, task: "seqence-classification" }), [
    ["task", "unknown-task", 'There is no task "seqence-classification".'],
  ]);
  assert.deepEqual(problemsOf({ model, eval_strategy: "epoch" }, ["train"]), [
    [
      "eval_strategy",
      "no-validation-split",
      'eval_strategy needs a split "validation"; the dataset has: train.',
    ],
  ]);
  assert.deepEqual(
    problemsOf({ model, eval_strategy: "no", load_best_model_at_end: true }, ["train"]),
    [
      [
        "load_best_model_at_end",
        "no-evaluation",
        'load_best_model_at_end needs an evaluation, but eval_strategy is "no".',
      ],
    ],
  );
});

test("inputPaths: a folder counts by its checkpoint files, a config and a hub id by none", () => {
  const pathsOf = (model: unknown) => fineTune.inputPaths!(paramsOf(fineTune, { model }));
  assert.deepEqual(pathsOf("models/bert"), [
    { at: ["model"], files: ["config.json", "*.safetensors", "model.safetensors.index.json"] },
  ]);
  assert.deepEqual(pathsOf({ config: tinyConfig }), []);
  assert.deepEqual(pathsOf("hub:a/b"), []);
});
