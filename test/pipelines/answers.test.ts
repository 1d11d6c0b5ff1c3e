import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const tokenizer = join(import.meta.dirname, "../golden/bert-tag/model/tokenizer.json");

const pipeline = `name: answers
stages:
  rows:
    uses: load
    with: { files: { train: train.json, validation: test.json, test: test.json } }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: tokenizer.json, max_length: 24, doc_stride: 6 }
  train:
    uses: fine-tune
    in: tokens
    with:
      task: question-answering
      model:
        config: { model_type: bert, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2,
                  intermediate_size: 64, max_position_embeddings: 24, initializer_range: 0.2 }
      learning_rate: 5e-3
      num_train_epochs: 4
      per_device_train_batch_size: 8
      load_best_model_at_end: true
      metric_for_best_model: f1
  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.test }
    with: { max_answer_length: 4 }
    require: { f1: ">= 90", exact_match: ">= 90" }
  save:
    uses: save
    in: { model: train, metrics: evaluate }
    with: { to: out }
`;

const TOPICS = ["editor", "server", "game"];
const LANGUAGES = ["python", "perl", "java"];
const FILLERS = ["the", "a", "for", "and", "library", "text"];

interface Asked {
  readonly context: string;
  readonly question: string;
  /** The number of the word that answers it. */
  readonly answer: number;
}

/** A text has one word for a topic and one for a language; every third text is too long for a row. */
function examples(from: number, count: number): readonly Asked[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + 7 * i;
    const length = n % 3 === 0 ? 24 : 8;
    const words = Array.from({ length }, (_, at) => FILLERS[(n * 5 + at * (1 + (n % 5))) % 6]!);
    const topic = (n * 11) % length;
    const language = (topic + 1 + ((n * 3) % (length - 1))) % length;
    words[topic] = TOPICS[n % 3]!;
    words[language] = LANGUAGES[(n >> 1) % 3]!;
    const isTopic = (n >> 2) % 2 === 0;
    return {
      context: words.join(" "),
      question: isTopic ? "for what ?" : "in which language ?",
      answer: isTopic ? topic : language,
    };
  });
}

/** As SQuAD is published. */
function squad(asked: readonly Asked[]): string {
  const paragraphs = asked.map(({ context, question, answer }, i) => {
    const words = context.split(" ");
    const answer_start = words.slice(0, answer).join(" ").length + Number(answer > 0);
    const answers = [{ text: words[answer]!, answer_start }];
    return { context, qas: [{ id: `q${i}`, question, answers }] };
  });
  return JSON.stringify({ version: "1.1", data: [{ title: "words", paragraphs }] });
}

async function runProject(train: readonly Asked[], held: readonly Asked[]) {
  const files = { "train.json": squad(train), "test.json": squad(held) };
  const rig = await ProjectRig.create({ ...files, "answers.tune.yaml": pipeline });
  await rig.copy(tokenizer, "tokenizer.json");
  return { rig, run: await rig.run(["answers.tune.yaml"]) };
}

test("questions through a pipeline file alone: SQuAD in, a saved model out, and its answers", async () => {
  const [train, held] = [examples(0, 240), examples(2001, 40)];
  const { rig, run } = await runProject(train, held);
  await using _ = rig;
  assert.equal(run.exitCode, 0);
  assert.deepEqual(run.executed, ["rows", "tokens", "train", "evaluate", "save"]);
  const config = JSON.parse(await rig.read("out/config.json"));
  assert.deepEqual(config.architectures, ["BertForQuestionAnswering"]);
  const results = JSON.parse(await rig.read("out/eval_results.json"));
  assert.equal(results.eval_questions, 40);
  assert.ok(results.eval_rows > 40, "long contexts take several rows");

  const context = "the game for a library and text in java";
  const plain = await rig.command(["predict", "out", "for what ?", "--context", context]);
  assert.match(plain.stdout, /^game \d\.\d{3}\tfor what \?\n$/);
  const long = `${"the library for a text ".repeat(6)}server and perl`;
  const asked = JSON.stringify({ question: "in which language ?", context: long });
  const json = await rig.command(["predict", "out", "--json", asked]);
  const { score, ...found } = JSON.parse(json.stdout);
  assert.ok(score > 0 && score <= 1);
  const [start, end] = [long.length - 4, long.length];
  assert.deepEqual(found, { question: "in which language ?", answer: "perl", start, end });
  const alone = await rig.command(["predict", "out", "for what ?"]);
  assert.deepEqual(
    [alone.exitCode, alone.stderr],
    [
      1,
      '✘ There is no text in which to look for an answer: for what ?\n    hint: give the text with --context, or each question as {"question": "…", "context": "…"}\n    code: question-without-context\n',
    ],
  );
});

test("from answers at other places nothing is learnt", async () => {
  const train = examples(0, 240).map((one, i) => {
    const words = one.context.split(" ").length;
    return { ...one, answer: (one.answer + 1 + ((i * 13) % (words - 1))) % words };
  });
  const { rig, run } = await runProject(train, examples(2001, 40));
  await using _ = rig;
  assert.deepEqual([run.exitCode, run.failed], [1, ["evaluate"]]);
});
