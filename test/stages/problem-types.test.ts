import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { findPython } from "../../bench/find-python.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { folderSource } from "../../models/file-source.ts";
import { formatPretrained, loadPretrained } from "../../models/pretrained.ts";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { openTextRater } from "../../stages/rate-texts.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import golden from "../golden/problem-types.json" with { type: "json" };
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const python = findPython();
const checkpoint = join(import.meta.dirname, "../golden/bert-classify/model");
const NAMES = ["LABEL_0", "LABEL_1", "LABEL_2"];

type Content = Partial<Pick<Row, "label" | "labels" | "numbers">>;

const contents: Readonly<Record<string, (own: readonly number[]) => Content>> = {
  multi_label_classification: (own) => ({ labels: NAMES.filter((_, id) => own[id] === 1) }),
  regression: (own) => ({
    numbers: Object.fromEntries(NAMES.map((name, id) => [name, own[id]!])),
  }),
};

/** Tokens of the golden texts, with what each is to be given, by split. */
async function tokensOf(splits: Readonly<Record<string, readonly Content[]>>) {
  const rowsOf = (name: string, given: readonly Content[]) =>
    given.map((one, i) => ({
      id: `${name}-${i + 1}`,
      text: golden.texts[i]!,
      ...one,
      columns: {},
    }));
  const dataset = {
    splits: new Map(Object.entries(splits).map(([name, given]) => [name, rowsOf(name, given)])),
  };
  const params = { tokenizer: checkpoint, max_length: 32 };
  return (await runStage(tokenize, { params, inputs: { dataset } })).outputs.tokens;
}

const tenSteps = {
  model: checkpoint,
  shuffle: false,
  max_steps: 10,
  warmup_steps: 2,
  learning_rate: 1e-3,
  weight_decay: 0.01,
  per_device_train_batch_size: 6,
};

for (const type of ["multi_label_classification", "regression"] as const)
  test(`${type}: ten steps have PyTorch's losses, and the saved model its outputs, here and in Python`, async (t) => {
    const { labels, losses, grad_norms, after } = golden[type];
    const tokens = await tokensOf({ train: labels.map(contents[type]!) });
    const { files, log } = await runStage(fineTune, {
      params: tenSteps,
      inputs: { dataset: tokens },
    });
    assert.match(log[0]!, /a checkpoint with its classification head for 3 labels/);
    const state = JSON.parse(await files.model.readText("trainer_state.json"));
    for (const [step, loss] of losses.entries()) {
      const entry = state.log_history[step];
      assert.ok(Math.abs(entry.loss / loss - 1) < 1e-5, `loss of step ${step + 1}: ${entry.loss}`);
      assert.ok(Math.abs(entry.grad_norm / grad_norms[step]! - 1) < 1e-4, `step ${step + 1}`);
    }
    const written = await Promise.all(
      files.model.paths.map(async (path) => [path, await files.model.read(path)] as const),
    );
    const folder = await temporaryFolder(t, Object.fromEntries(written));
    const { problem_type } = JSON.parse(await files.model.readText("config.json"));
    assert.equal(problem_type, type);
    const rater = await openTextRater(folder, await openOnnxruntimeDevice({ threads: 1 }));
    const logits = (await rater.rate(golden.texts)).map((row) => NAMES.map((name) => row[name]!));
    closeTo(logits.flat(), after.flat());
    if (python === undefined) return t.diagnostic("no Python with transformers to compare with");
    const found = execFileSync(python, [join(checkpoint, "../../classify.py"), folder], {
      input: golden.texts.map((text) => `${text}\n`).join(""),
      env: { ...process.env, HF_HUB_OFFLINE: "1" },
      stdio: ["pipe", "pipe", "ignore"],
      encoding: "utf8",
    });
    const { loading, labels: names, logits: theirs } = JSON.parse(found);
    assert.deepEqual([loading, names], [{}, NAMES]);
    closeTo(theirs.flat(), after.flat());
  });

function closeTo(actual: readonly number[], expected: readonly number[]) {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < 1e-4, `logit ${i}: ${actual[i]}, expected ${value}`);
}

const sets = (...all: readonly (readonly string[])[]) => all.map((labels) => ({ labels }));
const scores = (...all: readonly number[]) => all.map((score) => ({ numbers: { score } }));

const wrong: readonly (readonly [
  splits: Readonly<Record<string, readonly Content[]>>,
  params: object,
  expected: readonly [code: string, message: string],
])[] = [
  [
    { train: sets(["a"], ["b", "a"]), validation: sets(["a"], ["a", "c"]) },
    {},
    [
      "unknown-label",
      'The split "validation" has the label "c", which the split "train" does not have: 1 row, the first of them "validation-2".',
    ],
  ],
  [{ train: sets([], []) }, {}, ["no-label", 'No row of the split "train" has a label.']],
  [
    { train: scores(1, 2), validation: [{ label: "a" }] },
    {},
    ["rows-without-numbers", 'The rows of the split "validation" have no numbers to be given.'],
  ],
  [
    { train: scores(1, 2), validation: [{ numbers: { other: 1 } }] },
    {},
    [
      "unknown-number",
      'The model gives the number "score", but the rows of the split "validation" have: other.',
    ],
  ],
  [
    { train: [{ label: "1" }, { label: "2" }] },
    { problem_type: "regression" },
    [
      "rows-of-another-kind",
      'problem_type is regression, but the rows of the split "train" have label, not numbers.',
    ],
  ],
  [
    { train: sets(["a"], ["b"]) },
    { class_weights: "balanced" },
    [
      "no-classes",
      "class_weights are for labels of which one fits; problem_type multi_label_classification has none.",
    ],
  ],
  [
    { train: scores(1, 2) },
    { label_smoothing_factor: 0.1 },
    [
      "no-classes",
      "label_smoothing_factor is for labels of which one fits; problem_type regression has none.",
    ],
  ],
  [
    { train: scores(1, 2) },
    { metric_for_best_model: "accuracy" },
    [
      "unknown-metric",
      'metric_for_best_model is "accuracy", which evaluations of sequence-classification do not give.',
    ],
  ],
  [
    { train: scores(1, 2) },
    { task: "question-answering" },
    ["rows-without-questions", 'The rows of the split "train" ask no questions.'],
  ],
];

for (const [splits, params, expected] of wrong)
  test(`wrong: ${expected[1]}`, async () => {
    const tokens = await tokensOf(splits);
    const all = { model: checkpoint, max_steps: 1, ...params };
    const running = runStage(fineTune, { params: all, inputs: { dataset: tokens } });
    const { code, message } = await problemOf(running);
    assert.deepEqual([code, message], expected);
  });

test("problem_type and the like are checked before anything runs where the file says enough", () => {
  const problemsOf = (params: object) =>
    fineTune.check!(paramsOf(fineTune, { model: checkpoint, ...params }), {}).map(
      ({ at, code }) => [at[0], code],
    );
  assert.deepEqual(problemsOf({ task: "causal-lm", problem_type: "regression" }), [
    ["problem_type", "param-without-effect"],
  ]);
  const given = { problem_type: "regression", balanced_sampling: true };
  assert.deepEqual(problemsOf(given), [["balanced_sampling", "no-classes"]]);
  const labels = { problem_type: "multi_label_classification", metric_for_best_model: "mse" };
  assert.deepEqual(problemsOf(labels), [["metric_for_best_model", "unknown-metric"]]);
  assert.deepEqual(problemsOf({ metric_for_best_model: "mse" }), []);
});

test("one number keeps the head of a regression that has no name for it", async (t) => {
  const one = await loadPretrained(folderSource(checkpoint), {
    labels: ["LABEL_0"],
    problemType: "regression",
    seed: 1,
  });
  const folder = await temporaryFolder(t, Object.fromEntries(formatPretrained(one)));
  const tokens = await tokensOf({ train: scores(1, 2, 3) });
  const { log, outputs } = await runStage(fineTune, {
    params: { model: folder, max_steps: 1 },
    inputs: { dataset: tokens },
  });
  assert.match(log[0]!, /a checkpoint with its classification head for 1 labels/);
  const { metrics } = await runStage(evaluate, {
    inputs: { model: outputs.model, dataset: tokens },
  });
  assert.equal(metrics.rows, 3);
});
