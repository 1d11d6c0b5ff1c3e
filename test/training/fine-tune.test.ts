import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { createModel, formatPretrained } from "../../models/pretrained.ts";
import { padBatch, trainingBatch } from "../../training/batches.ts";
import { predictLogits } from "../../training/evaluate.ts";
import { fineTune } from "../../training/fine-tune.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { taskMetrics } from "../../training/task-metrics.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import { TrainingStep } from "../../training/training-step.ts";
import { markedConfig as config, markedRows } from "../rig/marked-rows.ts";
import { relativeError } from "../rig/reference-case.ts";

const device = await openOnnxruntimeDevice({ threads: 1 });
const labels = ["even", "odd"];
const start = createModel(config, { task: "sequence-classification", labels, seed: 1 });

const dataset = markedRows(96, 1);
const train = (given: Partial<TrainingArguments>, options: object = {}) =>
  fineTune({ start, dataset, device, arguments: given, ...options });
const bytesOf = ({ trained }: Awaited<ReturnType<typeof train>>) =>
  Buffer.from(formatPretrained(trained).get("model.safetensors")!);

test("learns to find a marker, with dropout, and reports its course", async () => {
  const { trained, state } = await train(
    {
      learning_rate: 5e-3,
      num_train_epochs: 10,
      eval_strategy: "epoch",
      logging_steps: 12,
      warmup_steps: 0.1,
    },
    { evaluation: markedRows(40, 2) },
  );
  const evaluations = state.log_history.filter((entry) => "eval_loss" in entry);
  assert.equal(evaluations.length, 10);
  assert.ok(evaluations.at(-1)!.eval_accuracy! >= 0.95, JSON.stringify(evaluations.at(-1)));
  assert.deepEqual(Object.keys(evaluations[0]!), [
    "epoch",
    "eval_accuracy",
    "eval_loss",
    "eval_macro_f1",
    "eval_weighted_f1",
    "step",
  ]);
  const losses = state.log_history.filter((entry) => "loss" in entry);
  assert.deepEqual(
    losses.map(({ step }) => step),
    [12, 24, 36, 48, 60, 72, 84, 96, 108, 120],
  );
  assert.deepEqual(Object.keys(losses[0]!), [
    "epoch",
    "grad_norm",
    "learning_rate",
    "loss",
    "step",
  ]);
  assert.ok(losses.at(-1)!.loss! < 0.3 * losses[0]!.loss!);
  assert.equal(state.global_step, 120);
  assert.equal(state.epoch, 10);
  assert.equal(state.num_input_tokens_seen, 10 * dataset.ids.length);
  assert.deepEqual(trained.labels, labels);
});

test("equal bytes when run again, with other threads, and different ones with another seed", async () => {
  const given = { num_train_epochs: 2, learning_rate: 1e-3, weight_decay: 0.01 };
  const first = bytesOf(await train(given));
  assert.ok(bytesOf(await train(given)).equals(first));
  const twoThreads = await openOnnxruntimeDevice({ threads: 2 });
  assert.ok(bytesOf(await train(given, { device: twoThreads })).equals(first));
  assert.ok(!bytesOf(await train({ ...given, seed: 7 })).equals(first));
});

test("8 x 1 and 4 x 2 rows in a step give the same training", async () => {
  const noDropout = { ...config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
  const exact = createModel(noDropout, { task: "sequence-classification", labels, seed: 1 });
  const given = { max_steps: 5, learning_rate: 1e-3, shuffle: false };
  const whole = await train(given, { start: exact });
  const parts = await train(
    { ...given, per_device_train_batch_size: 4, gradient_accumulation_steps: 2 },
    { start: exact },
  );
  for (const [name, { data }] of whole.trained.parameters) {
    if (name.endsWith("key.bias")) continue; // no gradient but rounding noise
    const before = exact.parameters.get(name)!.data;
    const error = relativeError(parts.trained.parameters.get(name)!.data, data, before);

    assert.ok(error < 1e-4, `${name}: ${error}`);
  }
  const [a, b] = [whole, parts].map(({ state }) => state.log_history.at(-1)!.train_loss!);
  assert.ok(Math.abs(a! - b!) < 1e-5, `${a} and ${b}`);
});

test("rows that fill up a batch change neither its loss nor its gradients", async () => {
  const exact = createModel(
    { ...config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
    { task: "sequence-classification", labels, seed: 1 },
  );
  const gradientsOf = async (rows: number) => {
    const step = new TrainingStep(exact.model, device, { sessions: 1 });
    const batch = padBatch(dataset, [4, 1], { rows, maxLength: 16, padTokenId: 0 });
    const sum = new GradientSum();
    const loss = await step.addGradients(sum, exact.parameters, {
      batch: trainingBatch(batch, 1 / 2),
      role: { seed: 0, step: 0, part: 0 },
    });
    await step.release();
    return { loss, sum };
  };
  const [full, filledUp] = [await gradientsOf(2), await gradientsOf(5)];
  assert.ok(Math.abs(full.loss - filledUp.loss) < 1e-6, `${full.loss} and ${filledUp.loss}`);
  assert.deepEqual([...filledUp.sum.dense.keys()], [...full.sum.dense.keys()]);
  for (const [name, gradient] of full.sum.dense) {
    if (name.endsWith("key.bias")) continue; // no gradient but rounding noise
    const error = relativeError(filledUp.sum.dense.get(name)!, gradient);
    assert.ok(error < 1e-5, `${name}: ${error}`);
  }
  assert.ok(Math.abs(full.sum.norm() / filledUp.sum.norm() - 1) < 1e-5);
});

test("padding changes logits by no more than rounding", async () => {
  const options = { model: start.model, parameters: start.parameters, device };
  const alone = await predictLogits(dataset, { ...options, batchSize: 1 });
  const together = await predictLogits(dataset, { ...options, batchSize: 96 });
  assert.ok(relativeError(together, alone) < 1e-5);
});

test("the best model is kept where it is asked for", async () => {
  // A rate so high that later epochs are worse than the first.
  const given = { learning_rate: 0.5, num_train_epochs: 3, lr_scheduler_type: "constant" } as const;
  const evaluation = markedRows(40, 2);
  const best = await train(
    { ...given, eval_strategy: "epoch", load_best_model_at_end: true },
    { evaluation },
  );
  const evaluations = best.state.log_history.filter((entry) => "eval_loss" in entry);
  const losses = evaluations.map(({ eval_loss }) => eval_loss!);
  const lowest = losses.indexOf(Math.min(...losses));
  assert.equal(best.state.best_metric, losses[lowest]);
  assert.equal(best.state.best_global_step, evaluations[lowest]!.step);
  const stopped = await train({ ...given, max_steps: evaluations[lowest]!.step });
  assert.ok(bytesOf(best).equals(bytesOf(stopped)));
});

test("metric_for_best_model takes any metric of evaluation, and refuses others by name", async () => {
  const given = { max_steps: 1, eval_strategy: "epoch" } as const;
  const { state } = await train(
    { ...given, metric_for_best_model: "eval_accuracy" },
    { evaluation: dataset },
  );
  assert.equal(state.best_metric, state.log_history.find((e) => "eval_loss" in e)!.eval_accuracy);
  await assert.rejects(
    train({ ...given, metric_for_best_model: "bleu" }, { evaluation: dataset }),
    {
      code: "argument-invalid",
      message:
        'metric_for_best_model is "bleu"; expected one of loss, accuracy, macro_f1, weighted_f1.',
    },
  );
});

test("the start is not changed", async () => {
  const before = formatPretrained(start);
  await train({ max_steps: 2, learning_rate: 0.1 });
  assert.deepEqual(formatPretrained(start), before);
});

test("a loss that is not finite stops training with the step and its rows", async () => {
  const broken = createModel(config, { task: "sequence-classification", labels, seed: 1 });
  broken.parameters.get("classifier.bias")!.data[0] = Number.NaN;
  await assert.rejects(
    train({ shuffle: false, per_device_train_batch_size: 2 }, { start: broken }),
    {
      code: "loss-not-finite",
      message: 'The loss is not finite at step 1, on the rows "row 0", "row 1".',
    },
  );
});

test("rows that the model cannot take are named", async () => {
  const changed = (change: Partial<TokenDataset>) =>
    train({}, { dataset: { ...markedRows(1, 1), ...change } });
  const cases: [Partial<TokenDataset>, string][] = [
    [
      { ids: new Uint16Array(17), offsets: Int32Array.of(0, 17) },
      "has 17 tokens; the model takes at most 16",
    ],
    [
      { ids: Uint16Array.of(20), offsets: Int32Array.of(0, 1) },
      "has token id 20; the model's vocabulary has 20",
    ],
    [{ labels: Int32Array.of(2) }, "has label 2; the model has 2 labels"],
    [{ labels: Int32Array.of(-1) }, "has label -1; the model has 2 labels"],
    [{ offsets: Int32Array.of(0, 0) }, "has no tokens"],
  ];
  for (const [change, problem] of cases)
    await assert.rejects(changed(change), {
      code: "dataset-row",
      message: `Row "row 0" ${problem}.`,
    });
  await assert.rejects(train({}, { dataset: markedRows(0, 1) }), { code: "dataset-empty" });
  await assert.rejects(train({ eval_strategy: "epoch" }), { code: "evaluation-missing" });
});

test("an abort is heard between steps, and progress is told after each", async () => {
  const controller = new AbortController();
  const steps: number[] = [];
  const running = train(
    { max_steps: 9 },
    {
      signal: controller.signal,
      onProgress(progress: { step: number; tokensPerSecond: number }) {
        steps.push(progress.step);
        assert.ok(progress.tokensPerSecond > 0);
        if (progress.step === 3) controller.abort();
      },
    },
  );
  await assert.rejects(running, { name: "AbortError" });
  assert.deepEqual(steps, [1, 2, 3]);
});

test("eval_on_start tells of the start, which is never the best model", async () => {
  const given = { max_steps: 2, learning_rate: 0.5, eval_strategy: "epoch" } as const;
  const evaluation = markedRows(40, 2);
  const with0 = await train(
    { ...given, eval_on_start: true, load_best_model_at_end: true },
    { evaluation },
  );
  const without = await train({ ...given, load_best_model_at_end: true }, { evaluation });
  const [first, ...rest] = with0.state.log_history;
  assert.deepEqual([first!.step, first!.epoch], [0, 0]);
  const options = { ...start, parameters: start.parameters, device, batchSize: 8 };
  assert.equal(first!.eval_loss, (await taskMetrics(evaluation, options)).loss);
  assert.deepEqual({ ...with0.state, log_history: rest }, without.state);
  assert.ok(bytesOf(with0).equals(bytesOf(without)));
});
