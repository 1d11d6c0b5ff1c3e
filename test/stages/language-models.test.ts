import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { hashAt, permutation, streamKey } from "../../models/counter-hash.ts";
import type { Tokens } from "../../stages/artifacts/tokens.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { save } from "../../stages/save/save.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { rowsOf } from "../rig/rows.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";

const folder = (name: string) => join(import.meta.dirname, "../golden/tokenizers", name);

const SAYINGS = ["a b c d e f g h", "h g f e d c b a", "b d f h a c e g", "e a f b g c h d"];

/** One of four sayings after the other, in no order. */
function sayings(count: number, seed: number): readonly string[] {
  const key = streamKey(seed, "sayings");
  return Array.from({ length: count }, (_, row) => SAYINGS[hashAt(key, row) % 4]!);
}

/** The same letters of each text in no order. */
function shuffled(texts: readonly string[]): readonly string[] {
  return texts.map((text, row) =>
    [...permutation(8, streamKey(row, "letters"))].map((i) => text.split(" ")[i]!).join(" "),
  );
}

async function tokensOfTexts(name: string, train: readonly string[]): Promise<Tokens> {
  const splits = new Map([
    ["train", rowsOf(train)],
    ["validation", rowsOf(sayings(32, 2))],
  ]);
  const params = { tokenizer: folder(name), max_length: 16 };
  const { outputs } = await runStage(tokenize, { params, inputs: { dataset: { splits } } });
  return outputs.tokens;
}

const sizes = {
  bert: {
    model_type: "bert",
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 64,
    max_position_embeddings: 16,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  },
} as const;

const quick = { learning_rate: 0.01, per_device_train_batch_size: 16 };

async function maskedModel(texts: readonly string[]) {
  const dataset = await tokensOfTexts("bert-classify", texts);
  const params = {
    ...quick,
    task: "masked-lm",
    mlm_probability: 0.3,
    model: { config: sizes.bert },
    num_train_epochs: 16,
  };
  return { dataset, ...(await runStage(fineTune, { params, inputs: { dataset } })) };
}

test("masked-lm: finds letters by the others of their saying; from shuffled texts it learns nothing but letters", async () => {
  const { outputs, dataset, metrics } = await maskedModel(sayings(128, 1));
  assert.ok(metrics.eval_loss! < 0.7, `loss ${metrics.eval_loss}`);
  assert.equal(metrics.eval_perplexity, Math.exp(metrics.eval_loss!));
  const control = await maskedModel(shuffled(sayings(128, 1)));
  assert.ok(control.metrics.eval_loss! > 1.4, `control: loss ${control.metrics.eval_loss}`);

  const validation = dataset.splits.get("validation")!;
  const measured = await runStage(evaluate, {
    inputs: {
      model: outputs.model,
      dataset: { ...dataset, splits: new Map([["validation", validation]]) },
    },
  });
  const { loss, perplexity, tokens, rows } = measured.metrics;
  assert.equal(rows, 32);
  assert.ok(Math.abs(loss! / metrics.eval_loss! - 1) < 0.5);
  assert.equal(perplexity, Math.exp(loss!));
  assert.ok(tokens! > 20 && tokens! < 60, `${tokens} of 256 tokens`);

  const saved = await runStage(save, {
    params: { to: "out" },
    inputs: { model: outputs.model, metrics: measured.outputs.metrics },
  });
  const config = JSON.parse(await saved.files.folder.readText("config.json"));
  assert.deepEqual(config.architectures, ["BertForMaskedLM"]);
  const card = await saved.files.folder.readText("README.md");
  assert.match(card, /^pipeline_tag: fill-mask$/m);
  assert.match(card, /On the 32 rows of the split `validation`/);
});

test("causal-lm: goes on with a saying and ends with it; from shuffled texts it learns nothing but letters", async () => {
  const trained = async (texts: readonly string[]) => {
    const dataset = await tokensOfTexts("gpt2-generate", texts);
    const params = {
      ...quick,
      task: "causal-lm",
      model: join(import.meta.dirname, "../golden/gpt2-generate/model"),
      num_train_epochs: 10,
    };
    return { dataset, ...(await runStage(fineTune, { params, inputs: { dataset } })) };
  };
  const { metrics, outputs, dataset } = await trained(sayings(128, 1));
  // Two bits for the saying, of 8 or more tokens; then nothing is left to chance.
  assert.ok(metrics.eval_loss! < 0.35, `loss ${metrics.eval_loss}`);
  const control = await trained(shuffled(sayings(128, 1)));
  assert.ok(control.metrics.eval_loss! > 0.8, `control: loss ${control.metrics.eval_loss}`);
  const validation = dataset.splits.get("validation")!;
  const measured = await runStage(evaluate, {
    inputs: { model: outputs.model, dataset: { ...dataset, splits: new Map([["v", validation]]) } },
  });
  const { loss, tokens } = measured.metrics;
  assert.ok(Math.abs(loss! - metrics.eval_loss!) < 1e-5);
  assert.equal(tokens, validation.inputIds.length); // each token is followed by one, the last by the end
});

/** The first letter of each text is to be found, and nothing is hidden. */
function labelled(dataset: Tokens, label = (id: number) => id): Tokens {
  const splits = [...dataset.splits].map(([name, split]) => {
    const labels = new Int32Array(split.inputIds.length).fill(-100);
    for (const begin of split.offsets.subarray(0, -1))
      labels[begin + 1] = label(split.inputIds[begin + 1]!);
    return [name, { ...split, labels }] as const;
  });
  return { ...dataset, splits: new Map(splits) };
}

test("masked-lm: tokens that come with labels are learned as they are, whatever mlm_probability says", async () => {
  const dataset = labelled(await tokensOfTexts("bert-classify", sayings(16, 1)));
  const trained = (mlm_probability: number) =>
    runStage(fineTune, {
      params: { ...quick, task: "masked-lm", model: { config: sizes.bert }, mlm_probability },
      inputs: { dataset },
    });
  const { files, outputs, log } = await trained(0.15);
  const told = "labels: the tokens come with them; mlm_probability hides none of these tokens";
  assert.ok(log.includes(told), log.join("\n"));
  const weights = await files.model.read("model.safetensors");
  assert.deepEqual(await (await trained(1)).files.model.read("model.safetensors"), weights);

  const splits = new Map([["validation", dataset.splits.get("validation")!]]);
  const inputs = { model: outputs.model, dataset: { ...dataset, splits } };
  const { metrics } = await runStage(evaluate, { inputs });
  assert.equal(metrics.tokens, 32); // one of each row
});

test("labels of tokens: refused for another task, and where the model has no such word", async () => {
  const plain = await tokensOfTexts("bert-classify", sayings(4, 1));
  const problem = (dataset: Tokens, task: string, config: object) =>
    problemOf(runStage(fineTune, { params: { task, model: { config } }, inputs: { dataset } }));
  const gpt2 = { model_type: "gpt2", n_embd: 8, n_layer: 1, n_head: 1, n_positions: 16 };
  assert.deepEqual(await problem(labelled(plain), "causal-lm", gpt2), {
    code: "labels-not-read",
    message: 'The tokens of the split "train" come with labels, which causal-lm does not read.',
    hint: "train for masked-lm, or leave the labels of tokens out",
  });
  const { vocab_size } = plain.facts;
  const last = labelled(plain, () => vocab_size - 1);
  const small = { ...sizes.bert, vocab_size: vocab_size - 1 };
  assert.deepEqual(await problem(last, "masked-lm", small), {
    code: "ids-outside-vocabulary",
    message: `The split "train" has the token id ${vocab_size - 1}, but the model's vocabulary has ${vocab_size - 1} tokens.`,
    hint: "tokenize with the model's own tokenizer, or leave vocab_size out of the config",
  });
  assert.equal(
    (
      await problem(
        labelled(plain, () => -100),
        "masked-lm",
        sizes.bert,
      )
    ).code,
    "dataset-unlabelled",
  );
});

test("masked-lm needs a mask token", async () => {
  const { splits, ...others } = await tokensOfTexts("gpt2-generate", sayings(4, 1));
  const params = { task: "masked-lm", model: { config: sizes.bert } };
  const { code } = await problemOf(
    runStage(fineTune, { params, inputs: { dataset: { splits, ...others } } }),
  );
  assert.equal(code, "no-mask-token");
});

test("another share of words to be found is another training", async () => {
  const dataset = await tokensOfTexts("bert-classify", sayings(8, 1));
  const bytes = async (mlm_probability: number) => {
    const params = {
      task: "masked-lm",
      model: { config: sizes.bert },
      max_steps: 1,
      mlm_probability,
    };
    const { files } = await runStage(fineTune, { params, inputs: { dataset } });
    return files.model.read("model.safetensors");
  };
  const once = await bytes(0.15);
  assert.deepEqual(await bytes(0.15), once);
  assert.notDeepEqual(await bytes(0.5), once);
});
