import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { clean } from "../../stages/clean/clean.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { encodeQuestion } from "../../stages/tokenize/encode-question.ts";
import { Encoder } from "../../stages/tokenize/encoder.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { trainTokenizer } from "../../stages/train-tokenizer/train-tokenizer.ts";
import golden from "../golden/answers.json" with { type: "json" };
import { problemOf, runStage } from "../rig/run-stage.ts";

const GOLDEN = new URL("../golden/tokenizers/", import.meta.url).pathname;
const BERT = join(GOLDEN, "bert-classify");

function encoderOf(name: string): Encoder {
  const files = ["tokenizer.json", "tokenizer_config.json"];
  return new Encoder(new Map(files.map((file) => [file, readFileSync(join(GOLDEN, name, file))])));
}

for (const { tokenizer, question, context, max_length, doc_stride, rows } of golden.cut)
  test(`${tokenizer}: a question and its context in rows of ${max_length}, ${doc_stride} shared, as Rust's tokenizers cut them`, () => {
    const encoder = encoderOf(tokenizer);
    const placed = encoder.encodeWithOffsets(context);
    const limits = { maxLength: max_length, docStride: doc_stride };
    const found = encodeQuestion(encoder, { question: `  ${question}`, context: placed }, limits);
    assert.deepEqual(
      found.map(({ ids, types, begins, ends }) => ({
        ids: [...ids],
        types: [...types],
        in_context: Array.from(ends, (end, at) => Number(end > 0 && end >= begins[at]!)),
      })),
      rows,
    );
  });

const text = "The desktop server of Zürich 🙂 has a text editor and a game.";

function asked(id: string, ...answers: readonly string[]): Row {
  const starts = answers.map((answer) => [...text.slice(0, text.indexOf(answer))].length);
  const given = { text: answers, answer_start: starts };
  return { id, text, question: "What has it?", answers: given, columns: {} };
}

function tokenized(rows: readonly Row[], params: object) {
  return runStage(tokenize, {
    params: { tokenizer: BERT, ...params },
    inputs: { dataset: { splits: new Map([["train", rows]]) } },
  });
}

test("answers become tokens, in the rows that hold them whole", async () => {
  const rows = [asked("a", "a text editor", "game"), asked("b", "Zürich"), asked("none")];
  const { outputs, metrics, files } = await tokenized(rows, { max_length: 24, doc_stride: 4 });
  const split = outputs.tokens.splits.get("train")!;
  const { questions, offsets } = split;
  const shown = split.rows.map(({ id }, row) => {
    const [from, to] = questions!.answers.subarray(2 * row, 2 * row + 2);
    const begin = questions!.begins[offsets[row]! + from!]!;
    const end = questions!.ends[offsets[row]! + to!]!;
    return [id, from === 0 && to === 0 ? null : text.slice(begin, end)];
  });
  assert.deepEqual(shown, [
    ["a", null],
    ["a#2", "a text editor"],
    ["b", "Zürich"],
    ["b#2", null],
    ["none", null],
    ["none#2", null],
  ]);
  assert.deepEqual([...questions!.ofRow], [0, 0, 1, 1, 2, 2]);
  assert.deepEqual(
    [metrics.questions, metrics.contexts_cut, metrics.answers_cut, metrics.rows],
    [3, 3, 0, 6],
  );
  assert.equal(
    files.tokens.texts()["train/questions.jsonl"]!.split("\n")[2],
    JSON.stringify({ id: "none", context: text, answers: [] }),
  );
});

test("an answer that no row holds whole is counted, and taught as none", async () => {
  const long = asked("long", "server of Zürich 🙂 has a text editor");
  const { outputs, metrics } = await tokenized([long], { max_length: 18, doc_stride: 2 });
  assert.equal(metrics.answers_cut, 1);
  const { answers } = outputs.tokens.splits.get("train")!.questions!;
  assert.deepEqual([...new Set(answers)], [0]);
});

test("an answer from within a token takes the token", async () => {
  const { outputs } = await tokenized([asked("within", "eskto")], {
    max_length: 64,
    doc_stride: 8,
  });
  const { questions } = outputs.tokens.splits.get("train")!;
  const [from, to] = questions!.answers;
  assert.equal(text.slice(questions!.begins[from!]!, questions!.ends[to!]!), "desktop");
});

test("wrong: a question that leaves no room for its context", async () => {
  const { code, message } = await problemOf(
    tokenized([asked("q")], { max_length: 24, doc_stride: 20 }),
  );
  assert.deepEqual(
    [code, message],
    [
      "question-too-long",
      'The question of the row "q" of the split "train" leaves no room for a stretch of its context: max_length is 24, of which doc_stride 20 is shared with the stretch before.',
    ],
  );
});

test("evaluate: where a question has no answer, exact match and F1 of both kinds, as SQuAD 2.0's script", async () => {
  const folder = join(GOLDEN, "../bert-answer/model");
  const rows = [asked("q1", "desktop"), asked("q2", "game"), asked("none")];
  const { outputs } = await runStage(tokenize, {
    params: { tokenizer: folder, max_length: 40, doc_stride: 8 },
    inputs: { dataset: { splits: new Map([["train", rows]]) } },
  });
  const inputs = { dataset: outputs.tokens };
  const params = { task: "question-answering", model: folder, max_steps: 1 };
  const { model } = (await runStage(fineTune, { params, inputs })).outputs;
  const measured = async (options: object) => {
    const found = await runStage(evaluate, { params: options, inputs: { ...inputs, model } });
    return { metrics: found.metrics, predictions: found.outputs.metrics.predictions };
  };
  const usual = await measured({});
  const numbers = ["loss", "exact_match", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact"];
  const both = [...numbers, "NoAns_f1", "questions", "rows"];
  assert.deepEqual(Object.keys(usual.metrics), both);
  const none = await measured({ null_score_diff_threshold: -1e6 });
  const { exact_match, HasAns_exact, NoAns_exact } = none.metrics;
  assert.deepEqual([exact_match, HasAns_exact, NoAns_exact], [100 / 3, 0, 100]);
  assert.deepEqual(
    none.predictions.map((one) => "prediction" in one && one.prediction),
    ["", "", ""],
  );
  const never = await measured({ version_2_with_negative: false });
  assert.deepEqual(Object.keys(never.metrics), ["loss", "exact_match", "f1", "questions", "rows"]);
  assert.ok(never.predictions.every((one) => "prediction" in one && one.prediction !== ""));
});

test("a vocabulary is learned from questions, too", async () => {
  const { files } = await runStage(trainTokenizer, {
    params: { vocab_size: 200 },
    inputs: { dataset: { splits: new Map([["train", [asked("q", "game"), asked("r", "game")]]]) } },
  });
  const { model } = JSON.parse(await files.tokenizer.readText("tokenizer.json"));
  assert.ok("what" in model.vocab);
});

test("clean: a context may change where its answers still stand, its question changes with it", async () => {
  const cleaned = (rules: readonly string[], row: Row) =>
    runStage(clean, {
      params: { rules },
      inputs: { dataset: { splits: new Map([["train", [row]]]) } },
    });
  const row = { ...asked("q", "The desktop"), text: `${text}  ` };
  const { outputs } = await cleaned(["collapse_whitespace"], { ...row, question: "What  is it?" });
  const [kept] = outputs.dataset.splits.get("train")!;
  assert.deepEqual([kept!.text, kept!.question, kept!.answers], [text, "What is it?", row.answers]);
  const { code, message } = await problemOf(cleaned(["lowercase"], row));
  assert.deepEqual(
    [code, message],
    [
      "answered-text-changed",
      'The rule lowercase changes the context of the row "q", and the answer "The desktop" does not stand there any more.',
    ],
  );
});
