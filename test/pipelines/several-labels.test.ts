import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const tokenizer = join(import.meta.dirname, "../golden/bert-tag/model/tokenizer.json");

function pipeline(load: string, { gate }: { gate: string }): string {
  return `name: several
stages:
  rows:
    uses: load
    with: { files: { train: train.csv, validation: test.csv, test: test.csv }, ${load} }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: tokenizer.json, max_length: 32 }
  train:
    uses: fine-tune
    in: tokens
    with:
      model:
        config: { model_type: bert, hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2,
                  intermediate_size: 64, max_position_embeddings: 32, initializer_range: 0.2 }
      learning_rate: 5e-3
      num_train_epochs: 5
      per_device_train_batch_size: 8
  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.test }
    require: { ${gate} }
  save:
    uses: save
    in: { model: train, metrics: evaluate }
    with: { to: out }
`;
}

const WORDS = { games: "game", text: "editor", network: "server" } as const;
const FILLERS = ["library", "python", "a", "the", "for", "files"];

interface Example {
  readonly text: string;
  readonly topics: readonly string[];
}

/** A text has each topic's word, or not, among others that mean nothing. */
function examples(from: number, count: number): readonly Example[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i * 5 + (i >> 3);
    const topics = Object.keys(WORDS).filter((_, bit) => (n >> bit) & 1);
    const words = topics.map((topic) => WORDS[topic as keyof typeof WORDS]);
    const text = [FILLERS[n % 6], ...words, FILLERS[(n >> 2) % 6]].join(" ");
    return { text, topics };
  });
}

/** The content of each row with what is to be learnt from another row. */
function shuffled<T>(rows: readonly T[]): readonly T[] {
  return rows.map((_, i) => rows[(i * 29 + 7) % rows.length]!);
}

async function runProject(load: string, gate: string, files: Readonly<Record<string, string>>) {
  const rig = await ProjectRig.create({ ...files, "p.tune.yaml": pipeline(load, { gate }) });
  await rig.copy(tokenizer, "tokenizer.json");
  return { rig, run: await rig.run(["p.tune.yaml"]) };
}

const labelled = (texts: readonly Example[], topics: readonly Example[]) =>
  `text,topics\n${texts.map(({ text }, i) => `${text},${topics[i]!.topics.join(";")}`).join("\n")}\n`;

test("several labels: from CSV cells to a saved model and its predictions; from shuffled labels nothing is learnt", async () => {
  const [train, held] = [examples(0, 160), examples(1001, 40)];
  const load = 'labels: topics, label_separator: ";"';
  const files = { "train.csv": labelled(train, train), "test.csv": labelled(held, held) };
  const { rig, run } = await runProject(load, 'micro_f1: ">= 0.95"', files);
  await using _ = rig;
  assert.equal(run.exitCode, 0);
  assert.deepEqual(run.executed, ["rows", "tokens", "train", "evaluate", "save"]);
  const config = JSON.parse(await rig.read("out/config.json"));
  assert.equal(config.problem_type, "multi_label_classification");
  assert.deepEqual(config.id2label, { 0: "games", 1: "network", 2: "text" });
  const results = JSON.parse(await rig.read("out/eval_results.json"));
  assert.deepEqual([results.eval_threshold, results.eval_rows], [0.5, 40]);
  assert.match(await rig.read("out/README.md"), /on the mean binary cross-entropy of all labels/);

  const texts = ["the game server", "python library"];
  const plain = await rig.command(["predict", "out", ...texts]);
  assert.match(
    plain.stdout,
    /^(games|network) \d\.\d{3} {2}(games|network) \d\.\d{3}\tthe game server\n-\tpython library\n$/,
  );
  const json = await rig.command(["predict", "out", "--json", texts[0]!]);
  const { labels, scores } = JSON.parse(json.stdout);
  assert.deepEqual(labels.toSorted(), ["games", "network"]);
  assert.deepEqual(Object.keys(scores).toSorted(), ["games", "network", "text"]);
  const shown = await rig.command(["show", "p.tune.yaml", "evaluate"]);
  assert.match(shown.stdout, /label +precision +recall +f1 +rows\n +games +\d/);

  const control = { ...files, "train.csv": labelled(train, shuffled(train)) };
  const blind = await runProject(load, 'micro_f1: ">= 0.95"', control);
  await using __ = blind.rig;
  assert.deepEqual([blind.run.exitCode, blind.run.failed], [1, ["evaluate"]]);
});

const rated = (texts: readonly Example[], topics: readonly Example[]) =>
  `text,games,size\n${texts.map(({ text }, i) => [text, ...numbersOf(topics[i]!)].join(",")).join("\n")}\n`;

function numbersOf({ topics }: Example): readonly number[] {
  return [topics.includes("games") ? 1.5 : -0.5, topics.length];
}

test("two numbers: from CSV columns to a saved model and its predictions; from shuffled numbers nothing is learnt", async () => {
  const [train, held] = [examples(0, 160), examples(1001, 40)];
  const load = "numbers: [games, size]";
  const files = { "train.csv": rated(train, train), "test.csv": rated(held, held) };
  const { rig, run } = await runProject(load, 'r2: ">= 0.8", pearson: ">= 0.9"', files);
  await using _ = rig;
  assert.equal(run.exitCode, 0);
  const config = JSON.parse(await rig.read("out/config.json"));
  assert.equal(config.problem_type, "regression");
  assert.deepEqual(config.id2label, { 0: "games", 1: "size" });
  assert.match(await rig.read("out/README.md"), /on the mean squared error, in float32/);
  const json = await rig.command(["predict", "out", "--json", "the game server files"]);
  const { numbers } = JSON.parse(json.stdout);
  assert.ok(Math.abs(numbers.games - 1.5) < 0.5 && Math.abs(numbers.size - 2) < 0.5, json.stdout);
  const plain = await rig.command(["predict", "out", "the game server files"]);
  assert.match(plain.stdout, /^games \d\.\d{3} {2}size \d\.\d{3}\tthe game server files\n$/);
  const shown = await rig.command(["show", "p.tune.yaml", "evaluate"]);
  assert.match(shown.stdout, /number +mse +mae +r2 +pearson +spearmanr\n +games +\d/);

  const control = { ...files, "train.csv": rated(train, shuffled(train)) };
  const blind = await runProject(load, 'r2: ">= 0.5"', control);
  await using __ = blind.rig;
  assert.deepEqual([blind.run.exitCode, blind.run.failed], [1, ["evaluate"]]);
});
