import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { followedRows } from "../../stages/language-rows.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { datasetOf } from "../rig/rows.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { wordTokenizer } from "../rig/word-tokenizer.ts";

const words = "a b c d e f g h user bot :".split(" ");
const context = {
  labels: [],
  advice: { from: "", hint: "" },
  mlmProbability: 0.15,
};

async function tokensOf(
  rows: readonly Row[],
  {
    params = {},
    config = {},
  }: { params?: object; config?: Readonly<Record<string, unknown>> } = {},
) {
  return runStage(tokenize, {
    params: { max_length: 16, ...params },
    inputs: { dataset: datasetOf(rows), tokenizer: wordTokenizer(words, config) },
  });
}

const completed = (text: string, completion: string): Row => ({
  id: text,
  text,
  completion,
  columns: {},
});

test("a prompt and its completion: one row, its end at the end; only what is to be written is learned", async () => {
  const { outputs, metrics } = await tokensOf([completed("a b", "c"), completed("d", "e f")]);
  const split = outputs.tokens.splits.get("train")!;
  assert.deepEqual(
    split.rows.map(({ reference }) => reference),
    ["c", "e f"],
  );
  assert.deepEqual([...split.inputIds], [3, 4, 5, 1, 6, 7, 8, 1]); // "a b" and "c", not "a" and "bc"
  assert.deepEqual([...split.written!], [0, 0, 1, 1, 0, 1, 1, 1]);
  assert.equal(metrics.completions_cut, 0);
  const labels = (completions: boolean) => {
    const onlyWritten = { completions, assistant: false };
    const given = { ...context, tokenizer: outputs.tokens.tokenizer, onlyWritten };
    return [...followedRows("train", split, given).labels];
  };
  assert.deepEqual(labels(true), [-1, 5, 1, -1, 7, 8, 1, -1]);
  assert.deepEqual(labels(false), [4, 5, 1, -1, 7, 8, 1, -1]);
});

test("completions that max_length cuts have no end, and are counted; false truncation is an error", async () => {
  const rows = [completed("a", "b c d"), completed("a b c", "d"), completed("a", "b")];
  const { outputs, metrics } = await tokensOf(rows, { params: { max_length: 3 } });
  const split = outputs.tokens.splits.get("train")!;
  assert.deepEqual([...split.inputIds], [3, 4, 5, 3, 4, 5, 3, 4, 1]);
  assert.deepEqual([...split.written!], [0, 1, 1, 0, 0, 0, 0, 1, 1]);
  assert.deepEqual([metrics.completions_cut, metrics.completions_lost], [2, 1]);
  const { code, message } = await problemOf(
    tokensOf(rows, { params: { max_length: 3, truncation: false } }),
  );
  assert.deepEqual(
    [code, message],
    ["row-too-long", 'The row "a" of the split "train" has 5 tokens, more than max_length 3.'],
  );
});

const chat: Row = {
  id: "1",
  text: "a\nb c",
  messages: [
    { role: "user", content: "a" },
    { role: "assistant", content: "b c" },
    { role: "user", content: "d" },
    { role: "assistant", content: "e" },
  ],
  columns: {},
};
const TEMPLATE =
  "{% for m in messages %}{{ 'bot' if m.role == 'assistant' else 'user' }} : {{ m.content }}{{ eos_token if m.role == 'assistant' else ' ' }}{% endfor %}{{ 'bot :' if add_generation_prompt }}";

test("a conversation: as the chat template writes it; all of it is learned, or what the assistant says", async () => {
  const { outputs } = await tokensOf([chat], { config: { chat_template: TEMPLATE } });
  const split = outputs.tokens.splits.get("train")!;
  const user = words.indexOf("user") + 3;
  const [bot, colon] = [user + 1, user + 2];
  const ids = [user, colon, 3, bot, colon, 4, 5, 1, user, colon, 6, bot, colon, 7, 1];
  assert.deepEqual([...split.inputIds], ids);
  assert.deepEqual([...split.written!], [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1]);
  const labels = (assistant: boolean) => {
    const onlyWritten = { completions: true, assistant };
    const given = { ...context, tokenizer: outputs.tokens.tokenizer, onlyWritten };
    return [...followedRows("train", split, given).labels];
  };
  assert.deepEqual(labels(false), [...ids.slice(1), -1]);
  assert.deepEqual(
    labels(true),
    ids.map((_, at) => (split.written![at + 1] ? ids[at + 1]! : -1)),
  );
});

test("chat_template names a file, which the tokenizer then carries", async (t) => {
  const folder = await temporaryFolder(t, { "chat.jinja": "{{ messages[0].content }} b" });
  const params = { chat_template: join(folder, "chat.jinja") };
  const { outputs } = await tokensOf([chat], { params });
  assert.deepEqual([...outputs.tokens.splits.get("train")!.inputIds], [3, 4]);
  const carried = outputs.tokens.tokenizer.get("chat_template.jinja")!;
  assert.equal(Buffer.from(carried).toString(), "{{ messages[0].content }} b");
});

test("wrong data: no template, one that fails, and one that hides who says what", async () => {
  const problem = async (chat_template: string | undefined, rows = [chat]) =>
    problemOf(tokensOf(rows, { config: { chat_template } }));
  assert.equal((await problem(undefined)).code, "no-chat-template");
  const failed = await problem("{{ raise_exception('no') }}");
  assert.equal(failed.message, 'The chat template cannot write the row "1": no.');

  const hiding = "{{ messages | length }} {% for m in messages %}{{ m.content }} {% endfor %}";
  const { outputs } = await tokensOf([chat], { config: { chat_template: hiding } });
  const gpt2 = { model_type: "gpt2", n_embd: 8, n_layer: 1, n_head: 1, n_positions: 16 };
  const trained = (assistant_only_loss: boolean) =>
    runStage(fineTune, {
      params: { task: "causal-lm", model: { config: gpt2 }, max_steps: 1, assistant_only_loss },
      inputs: { dataset: outputs.tokens },
    });
  assert.equal((await trained(false)).metrics.steps, 1);
  const unknown = await problemOf(trained(true));
  assert.equal(unknown.code, "assistant-unknown");
  assert.match(unknown.message, /in the row "1" of the split "train" cannot be told/);
});
