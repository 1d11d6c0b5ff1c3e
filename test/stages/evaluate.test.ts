import assert from "node:assert/strict";
import { test } from "node:test";
import type { Folder } from "../../stages/artifacts/folder.ts";
import type { Prediction } from "../../stages/artifacts/metrics.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";
import { type TestRow, tinyConfig, tokensOf, weather } from "../rig/tokens-of.ts";

/** A model that tells cold from warm without a mistake. */
async function weatherModel(): Promise<Folder> {
  const { outputs } = await runStage(fineTune, {
    params: {
      model: { config: tinyConfig },
      learning_rate: 0.01,
      num_train_epochs: 6,
      per_device_train_batch_size: 4,
    },
    inputs: { dataset: tokensOf({ train: weather(24) }) },
  });
  return outputs.model;
}

const cold: TestRow = [[2, 5, 10, 3], "cold"];
const warm: TestRow = [[2, 10, 9, 10, 3], "warm"];
const mislabelled: TestRow = [[2, 5, 11, 3], "warm"];

test("metrics, report and predictions of rows of which one is mislabelled", async () => {
  const model = await weatherModel();
  const dataset = tokensOf({ test: [cold, warm, mislabelled, warm] });
  const { outputs, files, metrics, progress } = await runStage(evaluate, {
    params: { per_device_eval_batch_size: 3 },
    inputs: { model, dataset },
  });
  const { report } = outputs.metrics;
  const predictions = outputs.metrics.predictions as readonly Prediction[];
  const { loss, macro_f1, weighted_f1, ...simple } = metrics;
  assert.deepEqual(simple, {
    accuracy: 0.75,
    macro_precision: 0.75,
    macro_recall: (1 + 2 / 3) / 2,
    majority_accuracy: 0.75,
    rows: 4,
  });
  assert.ok(Math.abs(macro_f1! - (2 / 3 + 0.8) / 2) < 1e-12);
  assert.ok(Math.abs(weighted_f1! - (2 / 3 + 3 * 0.8) / 4) < 1e-12);
  assert.ok(loss! > 0);
  assert.deepEqual(report, {
    split: "test",
    labels: ["cold", "warm"],
    classes: [
      { label: "cold", precision: 0.5, recall: 1, f1: 2 / 3, support: 1 },
      { label: "warm", precision: 1, recall: 2 / 3, f1: 0.8, support: 3 },
    ],
    confusion: [
      [1, 0],
      [1, 2],
    ],
  });
  assert.deepEqual(
    predictions.map(({ id, label, prediction }) => [id, label, prediction]),
    [
      ["test-1", "cold", "cold"],
      ["test-2", "warm", "warm"],
      ["test-3", "warm", "cold"],
      ["test-4", "warm", "warm"],
    ],
  );
  for (const { scores } of predictions) assert.ok(Math.abs(scores[0]! + scores[1]! - 1) < 1e-5);
  assert.deepEqual(JSON.parse(await files.metrics.readText("metrics.json")), metrics);
  assert.deepEqual(
    progress.map(({ done, total, unit }) => [done, total, unit]),
    [
      [3, 4, "rows"],
      [4, 4, "rows"],
    ],
  );
});

test("two evaluations give equal bytes", async () => {
  const model = await weatherModel();
  const bytes = async () => {
    const run = await runStage(evaluate, {
      inputs: { model, dataset: tokensOf({ test: weather(9) }) },
    });
    return run.files.metrics.texts();
  };
  assert.deepEqual(await bytes(), await bytes());
});

const wrong: readonly (readonly [
  name: string,
  dataset: Parameters<typeof tokensOf>,
  problem: object,
])[] = [
  [
    "a label that the model was never shown",
    [{ test: [cold, [[2, 7, 3], "mild"]] }],
    {
      code: "unknown-label",
      message:
        'The split "test" has the label "mild", which the model does not have: 1 row, the first of them "test-2".',
      hint: "train with rows of this label, or drop it before the split: a model cannot be measured on what it was never shown",
    },
  ],
  [
    "rows without a label",
    [{ test: [cold, [[2, 7, 3]]] }],
    {
      code: "rows-without-label",
      message: '1 of 2 rows of the split "test" have no label, the first of them "test-2".',
      hint: "set `label` in the load stage to the column that holds it",
    },
  ],
  [
    "no rows",
    [{ test: [] }],
    {
      code: "no-rows",
      message: 'The split "test" has no rows to evaluate on.',
      hint: "give the split a larger share",
    },
  ],
  [
    "several splits",
    [{ test: [cold], train: [warm] }],
    {
      code: "not-one-split",
      message: "evaluate reads one split; the dataset has: test, train.",
      hint: "name one, as in `dataset: tokens.test`",
    },
  ],
  [
    "another tokenizer",
    [{ test: [cold] }, { tokenizer: '{"version":"2"}' }],
    {
      code: "other-tokenizer",
      message: "The dataset was tokenized with another tokenizer than the model was trained with.",
      hint: "give both stages the output of one tokenize stage, or tokenize with the model's own tokenizer.json",
    },
  ],
];

for (const [name, dataset, problem] of wrong)
  test(`fails: ${name}`, async () => {
    const inputs = { model: await weatherModel(), dataset: tokensOf(...dataset) };
    assert.deepEqual(await problemOf(runStage(evaluate, { inputs })), problem);
  });

test("fails: a model whose files do not fit each other", async () => {
  const { files } = await weatherModel();
  const config = (await textOf(files.get("config.json"))).replace(
    '"hidden_size": 16',
    '"hidden_size": 32',
  );
  const model: Folder = { files: new Map([...files, ["config.json", config]]) };
  const inputs = { model, dataset: tokensOf({ test: [cold] }) };
  const problem = await problemOf(runStage(evaluate, { inputs }));
  assert.equal(problem.code, "checkpoint-mismatch");
  assert.match(
    problem.message,
    /^The model cannot be evaluated: The checkpoint does not fit its config\.json: "/,
  );
});

async function textOf(content: unknown): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
