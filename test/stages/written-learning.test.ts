import assert from "node:assert/strict";
import { test } from "node:test";
import { hashAt, permutation, streamKey } from "../../models/counter-hash.ts";
import type { Row } from "../../stages/artifacts/dataset.ts";
import type { WrittenPrediction } from "../../stages/artifacts/metrics.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { runStage } from "../rig/run-stage.ts";
import { wordTokenizer } from "../rig/word-tokenizer.ts";

const DAYS = "monday tuesday wednesday thursday friday saturday sunday".split(" ");
const words = [...DAYS, "after", "is", "user", "bot", ":"];

const config = {
  model_type: "gpt2",
  n_embd: 32,
  n_layer: 1,
  n_head: 2,
  n_positions: 32,
  initializer_range: 0.1,
  attn_pdrop: 0,
  embd_pdrop: 0,
  resid_pdrop: 0,
};

const drawn = (seed: number, row: number) => hashAt(streamKey(seed, "days"), row) % 7;

/** Trains on rows and measures on others, with the same tokenizer. */
async function learned(
  rows: { readonly train: readonly Row[]; readonly test: readonly Row[] },
  params: object,
  template?: string,
) {
  const tokenizer = wordTokenizer(words, { chat_template: template });
  const splits = new Map(Object.entries(rows));
  const tokenized = await runStage(tokenize, {
    params: { max_length: 32 },
    inputs: { dataset: { splits }, tokenizer },
  });
  const { tokens } = tokenized.outputs;
  const only = (name: string) => ({
    ...tokens,
    splits: new Map([[name, tokens.splits.get(name)!]]),
  });
  const trained = await runStage(fineTune, {
    params: {
      task: "causal-lm",
      model: { config },
      learning_rate: 0.02,
      per_device_train_batch_size: 8,
      ...params,
    },
    inputs: { dataset: only("train") },
  });
  const measured = await runStage(evaluate, {
    params: { max_new_tokens: 8 },
    inputs: { model: trained.outputs.model, dataset: only("test") },
  });
  return { ...measured, trained: trained.metrics, log: trained.log };
}

/** Five days in a row from any day on; `shuffled`: the same words in no order. */
function weeks(count: number, seed: number, { shuffled = false } = {}): readonly Row[] {
  return Array.from({ length: count }, (_, row) => {
    const first = drawn(seed, row);
    const days = Array.from({ length: 3 + (row % 3) }, (_, i) => DAYS[(first + i) % 7]!);
    const order = permutation(days.length, streamKey(row, "order"));
    const text = (shuffled ? [...order].map((i) => days[i]!) : days).join(" ");
    return { id: `${row}`, text, columns: {} };
  });
}

test("packed causal-lm: a grammar is learned from rows of several texts; from shuffled words it is not", async () => {
  const params = { packing: true, num_train_epochs: 12 };
  const test = weeks(32, 2);
  const { metrics, trained, log } = await learned({ train: weeks(160, 1), test }, params);
  // Chance is left in the first day, which no label asks for, and in where a text of 3 to 5 days ends.
  assert.ok(metrics.loss! < 0.4, `loss ${metrics.loss}`);
  assert.equal(trained.packed_rows, 21);
  assert.ok(log.includes("packing: 160 texts in 21 rows of 30 tokens"), log.join("\n"));
  const control = await learned({ train: weeks(160, 1, { shuffled: true }), test }, params);
  assert.ok(control.metrics.loss! > 0.8, `control: loss ${control.metrics.loss}`);
});

/** The day after a day; `shuffled`: any day. */
function questions(count: number, seed: number, { shuffled = false } = {}): readonly Row[] {
  return Array.from({ length: count }, (_, row) => {
    const day = drawn(seed, row);
    const next = shuffled ? drawn(seed + 9, row) : day + 1;
    const completion = ` ${DAYS[next % 7]}`;
    return { id: `${row}`, text: `after ${DAYS[day]} is`, completion, columns: {} };
  });
}

test("prompts and completions: answers are learned and written; from shuffled ones they are not", async () => {
  const params = { num_train_epochs: 10 };
  const test = questions(21, 2);
  const { metrics, outputs } = await learned({ train: questions(112, 1), test }, params);
  assert.equal(metrics.exact_match, 1);
  assert.equal(metrics.chrf, 100);
  assert.equal(metrics.tokens, 42); // a day and the end of each row
  const [first] = outputs.metrics.predictions as readonly WrittenPrediction[];
  const { completion: reference } = test[0]!;
  assert.deepEqual(first, { id: "0", reference, prediction: reference });
  const shuffled = questions(112, 1, { shuffled: true });
  const control = await learned({ train: shuffled, test }, params);
  assert.ok(control.metrics.exact_match! < 0.5, `control: ${control.metrics.exact_match}`);
});

const TEMPLATE = [
  "{% for m in messages %}",
  "{{ 'bot' if m.role == 'assistant' else 'user' }} : {{ m.content }} ",
  "{{ eos_token if m.role == 'assistant' }}",
  "{% endfor %}",
  "{{ 'bot :' if add_generation_prompt }}",
].join("");

function conversations(count: number, seed: number, { shuffled = false } = {}): readonly Row[] {
  return questions(count, seed, { shuffled }).map(({ id, text, completion }) => {
    const messages = [
      { role: "user", content: text },
      { role: "assistant", content: completion!.trim() },
    ];
    return { id, text: `${text}\n${completion!.trim()}`, messages, columns: {} };
  });
}

test("conversations: what the assistant says is learned; from shuffled answers it is not", async () => {
  const params = { num_train_epochs: 20, assistant_only_loss: true };
  const test = conversations(21, 2);
  const { metrics } = await learned({ train: conversations(112, 1), test }, params, TEMPLATE);
  assert.equal(metrics.tokens, 42);
  assert.ok(metrics.loss! < 0.1, `loss ${metrics.loss}`);
  const shuffled = conversations(112, 1, { shuffled: true });
  const control = await learned({ train: shuffled, test }, params, TEMPLATE);
  assert.ok(control.metrics.loss! > 0.8, `control: loss ${control.metrics.loss}`);
});
