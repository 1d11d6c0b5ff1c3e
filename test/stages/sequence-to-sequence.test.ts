import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { hashAt, streamKey } from "../../models/counter-hash.ts";
import type { Row } from "../../stages/artifacts/dataset.ts";
import type { WrittenPrediction } from "../../stages/artifacts/metrics.ts";
import type { Tokens } from "../../stages/artifacts/tokens.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { openTextGenerator } from "../../stages/generate-texts.ts";
import { save } from "../../stages/save/save.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { datasetOf } from "../rig/rows.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { wordTokenizer } from "../rig/word-tokenizer.ts";

const ENGLISH = "zero one two three four five six seven".split(" ");
const FRENCH = "zéro un deux trois quatre cinq six sept".split(" ");
const tokenizer = wordTokenizer([...new Set([...ENGLISH, ...FRENCH, "before", "after"])]);

/** "after three" is "trois quatre", "before three" is "trois deux"; `shuffled`: any two numbers. */
function counted(count: number, seed: number, { shuffled = false } = {}): readonly Row[] {
  const key = streamKey(seed, "numbers");
  return Array.from({ length: count }, (_, row) => {
    const drawn = (use: number) => hashAt(key, 4 * row + use);
    const [number, side] = [1 + (drawn(0) % 6), drawn(1) % 2];
    const [from, to] = shuffled ? [drawn(2) % 8, drawn(3) % 8] : [number, number + 2 * side - 1];
    return {
      id: `${row}`,
      text: `${side ? "after" : "before"} ${ENGLISH[number]}`,
      target: `${FRENCH[from]} ${FRENCH[to]}`,
      columns: {},
    };
  });
}

const config = {
  model_type: "t5",
  d_model: 32,
  d_kv: 16,
  d_ff: 64,
  num_layers: 1,
  num_heads: 2,
  relative_attention_num_buckets: 8,
  relative_attention_max_distance: 8,
  dropout_rate: 0,
};

async function tokensOf(train: readonly Row[], params: object = {}): Promise<Tokens> {
  const splits = new Map([
    ["train", train],
    ["validation", counted(24, 2)],
  ]);
  const { outputs } = await runStage(tokenize, {
    params: { max_length: 8, ...params },
    inputs: { dataset: { splits }, tokenizer },
  });
  return outputs.tokens;
}

const params = {
  task: "sequence-to-sequence",
  model: { config },
  learning_rate: 0.01,
  per_device_train_batch_size: 16,
  num_train_epochs: 8,
};

const onlyValidation = (tokens: Tokens): Tokens => ({
  ...tokens,
  splits: new Map([["validation", tokens.splits.get("validation")!]]),
});

async function learned(train: readonly Row[]) {
  const dataset = await tokensOf(train);
  const { outputs, metrics } = await runStage(fineTune, { params, inputs: { dataset } });
  const measured = await runStage(evaluate, {
    inputs: { model: outputs.model, dataset: onlyValidation(dataset) },
  });
  return { model: outputs.model, trained: metrics, measured };
}

test("a translation is learned, written, saved and written again; from shuffled targets it is not", async (t) => {
  const { model, trained, measured } = await learned(counted(160, 1));
  assert.equal(measured.metrics.exact_match, 1);
  assert.equal(measured.metrics.bleu, 0); // no text has four words
  assert.equal(measured.metrics.chrf, 100);
  assert.equal(measured.metrics.tokens, 24 * 3);
  assert.ok(measured.metrics.loss! < 0.1, `loss ${measured.metrics.loss}`);
  assert.equal(trained.eval_perplexity, Math.exp(trained.eval_loss!));
  const [first] = measured.outputs.metrics.predictions as readonly WrittenPrediction[];
  const [row] = counted(24, 2);
  assert.deepEqual(first, { id: "0", reference: row!.target, prediction: row!.target });

  const saved = await runStage(save, {
    params: { to: "out" },
    inputs: { model, metrics: measured.outputs.metrics },
  });
  const files = saved.files.folder;
  const generation = JSON.parse(await files.readText("generation_config.json"));
  assert.deepEqual(generation, {
    decoder_start_token_id: 0,
    eos_token_id: 1,
    pad_token_id: 0,
    transformers_version: "5.0.0",
  });
  const config = JSON.parse(await files.readText("config.json"));
  assert.deepEqual(config.architectures, ["T5ForConditionalGeneration"]);
  assert.deepEqual([config.decoder_start_token_id, config.eos_token_id], [0, 1]);
  assert.ok(files.has("onnx/encoder_model.onnx") && files.has("onnx/decoder_model.onnx"));
  assert.match(await files.readText("README.md"), /^pipeline_tag: text2text-generation$/m);

  const contents = files.paths.map(async (path) => [path, await files.read(path)] as const);
  const folder = await temporaryFolder(t, Object.fromEntries(await Promise.all(contents)));
  const generator = await openTextGenerator(folder, await openOnnxruntimeDevice({ threads: 1 }));
  assert.equal(generator.goesOn, false);
  assert.equal(await generator.write("after three", { max_new_tokens: 8 }), "trois quatre");
  assert.equal(await generator.write("before six", { num_beams: 3 }), "six cinq");
  await generator.close();
});

test("control: from shuffled targets nothing is learned", async () => {
  const { measured } = await learned(counted(160, 1, { shuffled: true }));
  assert.ok(measured.metrics.exact_match! < 0.2, `exact match ${measured.metrics.exact_match}`);
  assert.ok(measured.metrics.loss! > 1, `loss ${measured.metrics.loss}`);
});

test("evaluation without generation, and with settings of its own", async () => {
  const dataset = await tokensOf(counted(16, 1));
  const given = { ...params, num_train_epochs: 1 };
  const { outputs } = await runStage(fineTune, { params: given, inputs: { dataset } });
  const measure = (settings: object) =>
    runStage(evaluate, {
      params: settings,
      inputs: { model: outputs.model, dataset: onlyValidation(dataset) },
    });
  const { metrics, outputs: results } = await measure({ predict_with_generate: false });
  assert.deepEqual(Object.keys(metrics), ["loss", "perplexity", "tokens", "rows"]);
  assert.deepEqual(results.metrics.predictions, []);
  const short = await measure({ max_new_tokens: 1, num_beams: 2 });
  for (const one of short.outputs.metrics.predictions as readonly WrittenPrediction[])
    assert.ok(one.prediction.split(" ").length <= 1, one.prediction);
});

test("wrong data: no targets, targets for another task, and ones that are too long", async () => {
  const rows = counted(4, 1);
  const plain = await tokensOf(rows.map(({ target: _, ...row }) => row));
  const without = await problemOf(runStage(fineTune, { params, inputs: { dataset: plain } }));
  assert.deepEqual(
    [without.code, without.message],
    [
      "rows-without-target",
      'The rows of the split "train" have no targets, which sequence-to-sequence learns.',
    ],
  );
  const gpt2 = { model_type: "gpt2", n_embd: 8, n_layer: 1, n_head: 1, n_positions: 8 };
  const dataset = await tokensOf(rows);
  const given = { task: "causal-lm", model: { config: gpt2 } };
  const unread = await problemOf(runStage(fineTune, { params: given, inputs: { dataset } }));
  assert.equal(unread.code, "targets-not-read");

  const cut = await runStage(tokenize, {
    params: { max_length: 8, max_target_length: 2 },
    inputs: { dataset: datasetOf(rows), tokenizer },
  });
  assert.equal(cut.metrics.targets_cut, 4);
  const targets = cut.outputs.tokens.splits.get("train")!.targets!;
  assert.deepEqual([...targets.offsets], [0, 2, 4, 6, 8]);
  const { message } = await problemOf(tokensOf(rows, { max_target_length: 2, truncation: false }));
  assert.equal(
    message,
    'The row "0" of the split "train" has 3 tokens, more than max_target_length 2.',
  );
});

test("a checkpoint whose vocabulary lacks tokens of targets is refused", async () => {
  const dataset = await tokensOf(counted(4, 1));
  const small = { ...params, model: { config: { ...config, vocab_size: 12 } } };
  const { code } = await problemOf(runStage(fineTune, { params: small, inputs: { dataset } }));
  assert.equal(code, "ids-outside-vocabulary");
});
