import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { toFloat32 } from "../../models/dtype.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import type { Prediction } from "../../stages/artifacts/metrics.ts";
import type { Tokens } from "../../stages/artifacts/tokens.ts";
import { embed } from "../../stages/embed/embed.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { assertClose } from "../rig/assert-close.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { tinyConfig, tokensOf, weather } from "../rig/tokens-of.ts";

const dataset = tokensOf({ train: weather(24), validation: weather(6), test: weather(10) });
const folderOf = (name: string) => join(import.meta.dirname, `../golden/${name}/model`);

const quick = {
  train: "head",
  learning_rate: 0.02,
  num_train_epochs: 4,
  per_device_train_batch_size: 5,
  gradient_accumulation_steps: 2,
  load_best_model_at_end: true,
};

async function featuresOf(model: string, params: object, rows: Tokens = dataset) {
  const run = await runStage(embed, { params: { model, ...params }, inputs: { dataset: rows } });
  return run.outputs.embeddings;
}

async function tensorsOf(files: { read(path: string): Promise<Uint8Array> }) {
  const { tensors } = parseSafetensors(await files.read("model.safetensors"));
  return new Map([...tensors].map(([name, { dtype, bytes }]) => [name, toFloat32(dtype, bytes)]));
}

type Trained = Awaited<ReturnType<typeof trainWith>>;

/** What a trained model says of the test rows: label and score of each. */
async function predictionsOf({ outputs: { model } }: Trained): Promise<readonly Prediction[]> {
  const test = new Map([["test", dataset.splits.get("test")!]]);
  const inputs = { model, dataset: { ...dataset, splits: test } };
  const { outputs } = await runStage(evaluate, { inputs });
  return outputs.metrics.predictions as readonly Prediction[];
}

async function trainWith(params: object, inputs: object = {}) {
  return runStage(fineTune, { params, inputs: { dataset, ...inputs } });
}

const families = [
  ["bert-classify", "cls", /^(classifier|bert\.pooler)\./],
  ["distilbert-classify", "cls", /^(pre_classifier|classifier)\./],
  ["roberta-classify", "cls", /^classifier\./],
  ["gpt2-classify", "lasttoken", /^score\./],
] as const;

for (const [name, pooling, head] of families)
  test(`${name}: the head on features is that of a whole run with a frozen encoder`, async () => {
    const model = folderOf(name);
    const frozen = await trainWith({ ...quick, model });
    const features = await featuresOf(model, { pooling });
    const cached = await trainWith({ ...quick, model }, { features });
    const [slow, fast] = [await tensorsOf(frozen.files.model), await tensorsOf(cached.files.model)];
    const { tensors } = parseSafetensors(await readFile(join(model, "model.safetensors")));
    assert.deepEqual([...fast.keys()], [...slow.keys()]);
    for (const [tensor, values] of fast) {
      assertClose(values, slow.get(tensor)!, 1e-4, tensor);
      const stored = tensors.get(tensor);
      if (head.test(tensor) || stored === undefined) continue;
      assert.deepEqual(values, toFloat32(stored.dtype, stored.bytes), `${tensor} stays as it is`);
    }
    const [expected, found] = [await predictionsOf(frozen), await predictionsOf(cached)];
    const labels = (rows: readonly Prediction[]) => rows.map(({ prediction }) => prediction);
    assert.deepEqual(labels(found), labels(expected));
    const scoresOf = (rows: readonly Prediction[]) => rows.flatMap(({ scores }) => scores);
    assertClose(scoresOf(found), scoresOf(expected), 1e-5, "scores");
    assert.deepEqual(Object.keys(cached.metrics), Object.keys(frozen.metrics));
  });

test("a head learns what its encoder tells apart; of shuffled labels it learns nothing", async () => {
  const model = folderOf("bert-classify");
  const features = await featuresOf(model, { pooling: "cls" });
  const learned = await trainWith({ ...quick, model, num_train_epochs: 12 }, { features });
  assert.equal(learned.metrics.eval_accuracy, 1);

  const labels = ["cold", "cold", "warm", "warm"];
  const shuffledSplits = [...dataset.splits].map(([name, split]) => {
    const rows = split.rows.map((row, i) => ({ ...row, label: labels[i % 4]! }));
    return [name, { ...split, rows }] as const;
  });
  const shuffled = { ...dataset, splits: new Map(shuffledSplits) };
  const params = { ...quick, model, num_train_epochs: 12 };
  const control = await runStage(fineTune, { params, inputs: { dataset: shuffled, features } });
  assert.ok(control.metrics.eval_accuracy! < 0.9, `${control.metrics.eval_accuracy}`);
});

test("with a frozen encoder a longer training goes on from a checkpoint, to the same bytes", async () => {
  const model = folderOf("bert-classify");
  const params = { ...quick, model, lr_scheduler_type: "constant" };
  const checkpoints = new MemoryCheckpoints();
  const train = (epochs: number, kept: MemoryCheckpoints) =>
    runStage(fineTune, {
      params: { ...params, num_train_epochs: epochs },
      inputs: { dataset },
      checkpoints: kept,
    });
  await train(2, checkpoints);
  const longer = await train(4, checkpoints);
  assert.ok(longer.log.some((line) => /^goes on from checkpoint-6 of 12 steps/.test(line)));
  const straight = await train(4, new MemoryCheckpoints());
  const weights = "model.safetensors";
  assert.deepEqual(
    await longer.files.model.read(weights),
    await straight.files.model.read(weights),
  );
});

test("features without a use are found before anything runs", () => {
  const model = folderOf("bert-classify");
  const parts = ["train", "validation"];
  const known = { dataset: parts, features: parts };
  const cases = [
    [
      { ...quick, model, task: "token-classification" },
      "features are one vector for each row; the head of token-classification reads all tokens.",
    ],
    [{ model }, "features are for training the head alone; here all of the model is trained."],
    [
      { ...quick, model: { config: tinyConfig } },
      "features are of a trained encoder; { config: … } starts from random weights.",
    ],
  ] as const;
  for (const [params, message] of cases) {
    const problems = fineTune.check!(paramsOf(fineTune, params), known);
    assert.deepEqual(
      problems.map((problem) => problem.message),
      [message],
    );
  }
});

test("features that do not fit are refused by name", async () => {
  const model = folderOf("bert-classify");
  const other = await featuresOf(folderOf("bert-mask"), { pooling: "cls" });
  const fewer = tokensOf({ train: weather(23), validation: weather(6) });
  const cases = [
    [
      await featuresOf(model, { pooling: "mean" }),
      "The features have pooling: mean; the head of BertForSequenceClassification reads the first token as it is.",
      "set pooling: cls and normalize: false in the embed stage",
    ],
    [
      await featuresOf(model, { pooling: "cls", normalize: true }),
      "The features have pooling: cls, normalize: true; the head of BertForSequenceClassification reads the first token as it is.",
      "set pooling: cls and normalize: false in the embed stage",
    ],
    [
      other,
      "The features were made by another model than the one whose head is trained.",
      "give embed and fine-tune the same model",
    ],
    [
      await featuresOf(model, { pooling: "cls" }, fewer),
      'The features are not of the rows to be trained on: 24 rows, of which the first is "train-1"; the features have: train with 23, validation with 6.',
      "lead the same tokenize stage into embed and into fine-tune",
    ],
  ] as const;
  for (const [features, message, hint] of cases) {
    const problem = await problemOf(trainWith({ ...quick, model }, { features }));
    assert.deepEqual([problem.message, problem.hint], [message, hint]);
  }
});

test("a model without a head of its own cannot train it alone", async () => {
  const model = folderOf("gpt2-generate");
  const tokenizer = await readFile(join(model, "tokenizer.json"), "utf8");
  const texts = tokensOf({ train: [[[5, 6, 7]]] }, { tokenizer });
  const params = { train: "head", model, task: "causal-lm" };
  const { message } = await problemOf(runStage(fineTune, { params, inputs: { dataset: texts } }));
  assert.equal(message, "GPT2LMHeadModel has no head of its own that could be trained alone.");
});
