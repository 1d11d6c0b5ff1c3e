import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const pipeline = `name: sections
stages:
  rows:
    uses: load
    with: { files: rows.csv, label: label, id: id }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: model, max_length: 24 }
  vectors:
    uses: embed
    in: tokens
    with: { model: model, pooling: cls }
  head:
    uses: fine-tune
    in: { dataset: tokens, features: vectors }
    matrix: { learning_rate: [1e-2, 1e-3] }
    with: { model: model, train: head, learning_rate: "\${matrix.learning_rate}", num_train_epochs: 1 }
  save:
    uses: save
    in: "head[learning_rate=1e-3]"
    with: { to: out }
`;

const words = ["library", "desktop", "daemon", "suite", "plugin", "menu", "vectors", "free"];
const texts = Array.from({ length: 400 }, (_, i) => {
  const two = `${words[i % 8]} ${words[(i * 3 + (i >> 3)) % 8]}`;
  return `row${i},${two} ${words[(i >> 4) % 8]},${i % 2 ? "odd" : "even"}`;
});
const csv = (rows: readonly string[]) => `id,text,label\n${rows.join("\n")}\n`;

test("vectors and heads from a pipeline file: computed once, a changed row by its chunk; neighbours are shown", async () => {
  await using rig = await ProjectRig.create({
    "rows.csv": csv(texts),
    "sections.tune.yaml": pipeline,
  });
  await rig.copy(join(import.meta.dirname, "../golden/bert-classify/model"), "model");
  const first = await rig.run(["sections.tune.yaml"]);
  assert.equal(first.exitCode, 0);
  const heads = ["head[learning_rate=1e-2]", "head[learning_rate=1e-3]"];
  assert.deepEqual(first.executed, ["rows", "tokens", "vectors", ...heads, "save"]);
  assert.match(await rig.read("out/config.json"), /BertForSequenceClassification/);

  await rig.write({ "sections.tune.yaml": pipeline.replace("[1e-2, 1e-3]", "[1e-2, 1e-3, 1e-4]") });
  const more = await rig.run(["sections.tune.yaml"]);
  assert.deepEqual(more.executed, ["head[learning_rate=1e-4]"]);

  await rig.write({ "rows.csv": csv(texts.with(100, "row100,a new text,even")) });
  await rig.run(["sections.tune.yaml", "vectors"]);
  const log = await rig.command(["show", "sections.tune.yaml", "vectors", "--log"]);
  const computed = Number(/(\d+) of 400 rows computed/.exec(log.stdout)?.[1]);
  assert.ok(computed >= 1 && computed < 250, log.stdout);

  const show = (...args: string[]) => rig.command(["show", "sections.tune.yaml", ...args]);
  const ofText = await show("vectors", "--neighbours", "a new text", "-k", "1", "--json");
  const { neighbours, ...found } = JSON.parse(ofText.stdout);
  assert.deepEqual(found, { type: "neighbours", stage: "vectors", of: { text: "a new text" } });
  const [{ similarity, ...nearest }] = neighbours;
  const row = { split: "train", id: "row100", text: "a new text", label: "even" };
  assert.deepEqual(nearest, row);
  assert.ok(similarity > 0.99999 && neighbours.length === 1);

  const ofRow = await show("--neighbours", "row100", "--top-k", "3");
  assert.equal(ofRow.exitCode, 0, ofRow.stderr);
  const lines = ofRow.stdout.trimEnd().split("\n");
  assert.match(lines[0]!, /^cosine +split +row +label +text$/);
  assert.equal(lines.length, 4);
  assert.doesNotMatch(ofRow.stdout, /row100 /);

  const pairs = await show("--near-duplicates", "0.9999", "-k", "1");
  assert.match(
    pairs.stdout,
    /^\d+ pairs at 0\.9999 or more, 0 of them in different splits\ncosine /,
  );
  assert.equal(pairs.stdout.trimEnd().split("\n").length, 4);

  const noVectors = await show("tokens", "--neighbours", "row1");
  assert.match(noVectors.stderr, /"tokens" is no embed stage\.\n.*embed stages: vectors/);
  assert.equal(noVectors.exitCode, 2);
  await rig.write({ "rows.csv": csv(texts.slice(1)) });
  const stale = await show("vectors", "--neighbours", "row1");
  assert.match(stale.stderr, /The stage "vectors" is not up to date/);
  assert.equal(stale.exitCode, 1);
});
