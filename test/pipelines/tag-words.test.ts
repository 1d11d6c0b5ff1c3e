import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const tokenizer = join(import.meta.dirname, "../golden/bert-tag/model/tokenizer.json");

const pipeline = `name: people
stages:
  rows:
    uses: load
    with: { files: { train: train.conll, test: test.conll } }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: tokenizer.json, max_length: 32 }
  train:
    uses: fine-tune
    in: tokens
    with:
      task: token-classification
      model:
        config: { model_type: bert, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2,
                  intermediate_size: 64, max_position_embeddings: 32 }
      learning_rate: 5e-3
      num_train_epochs: 6
      per_device_train_batch_size: 8
  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.test }
    require: { f1: ">= 0.95" }
  save:
    uses: save
    in: { model: train, metrics: evaluate }
    with: { to: out }
`;

const FIRST = ["Ada", "Grace", "Alan", "Donald", "Barbara"];
const LAST = ["Lovelace", "Hopper", "Turing", "Knuth", "Liskov"];
const VERBS = ["wrote", "packaged", "maintains", "tested"];
const THINGS = ["libfoo", "the editor", "a daemon", "fonts"];

/** "packaged by Ada Hopper ." and "Ada is a daemon .": names are people after "by" only. */
function sentences(from: number, count: number): readonly (readonly [string, string][])[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const [first, last] = [FIRST[n % 5]!, LAST[(n * 3 + 1) % 5]!];
    const thing = THINGS[n % 4]!.split(" ").map((word): [string, string] => [word, "O"]);
    return n % 3 === 0
      ? [[first, "O"], ["is", "O"], ...thing, [".", "O"]]
      : [
          ...thing,
          [VERBS[n % 4]!, "O"],
          ["by", "O"],
          [first, "B-PER"],
          [last, "I-PER"],
          [".", "O"],
        ];
  });
}

test("words with tags through a pipeline file alone: CoNLL in, a saved tagger out, and its predictions", async () => {
  const conll = (rows: ReturnType<typeof sentences>) =>
    `${rows.map((words) => words.map((word) => `${word.join("\t")}\n`).join("")).join("\n")}`;
  await using rig = await ProjectRig.create({
    "train.conll": conll(sentences(0, 90)),
    "test.conll": conll(sentences(100, 20)),
    "people.tune.yaml": pipeline,
  });
  await rig.copy(tokenizer, "tokenizer.json");
  const run = await rig.run(["people.tune.yaml"]);
  assert.equal(run.exitCode, 0);
  assert.deepEqual(run.executed, ["rows", "tokens", "train", "evaluate", "save"]);
  const config = JSON.parse(await rig.read("out/config.json"));
  assert.deepEqual(config.architectures, ["BertForTokenClassification"]);

  const text = "fonts tested by Grace Turing.";
  const json = await rig.command(["predict", "out", "--json", text, "Grace is fonts ."]);
  const [first, second] = json.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { score, ...entity } = first.entities[0];
  assert.ok(score > 0.5 && score <= 1);
  assert.deepEqual(entity, { entity_group: "PER", word: "Grace Turing", start: 16, end: 28 });
  assert.deepEqual(
    first.words.map(({ word, tag }: { word: string; tag: string }) => `${word}/${tag}`),
    ["fonts/O", "tested/O", "by/O", "Grace/B-PER", "Turing/I-PER", "./O"],
  );
  assert.deepEqual(second.entities, []);
  const plain = await rig.command(["predict", "out", text]);
  assert.match(plain.stdout, /^PER Grace Turing \d\.\d{3}\tfonts tested by Grace Turing\.\n$/);
});
