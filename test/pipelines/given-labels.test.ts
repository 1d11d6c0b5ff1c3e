import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ProjectRig } from "../rig/project-rig.ts";

const page = fileURLToPath(new URL("../../docs/tasks.md", import.meta.url));
const model = join(import.meta.dirname, "../golden/bert-mask/model");

const pipeline = `stages:
  rows: { uses: load, with: { files: texts.txt } }
  tokens: { uses: tokenize, in: rows, with: { tokenizer: model, max_length: 16 } }
  hidden: { uses: ./hide.ts, in: tokens }
  train: { uses: fine-tune, in: hidden, with: { task: masked-lm, model: model, max_steps: 1 } }
  evaluate: { uses: evaluate, in: { model: train, dataset: hidden.train } }
`;

test("the page's stage that chooses which words are to be found: one of each text", async () => {
  const stage = /```ts\n([\s\S]*?)```/.exec(await readFile(page, "utf8"))![1]!;
  const texts = "a library for games\nthe server\ndaemon\n";
  await using rig = await ProjectRig.create({
    "texts.txt": texts,
    "hide.ts": stage,
    "p.tune.yaml": pipeline,
  });
  await rig.copy(model, "model");
  assert.equal((await rig.run(["p.tune.yaml"])).exitCode, 0);
  assert.match(await rig.read("p.tune.lock.yaml"), / {2}evaluate:\n(?: {4}.*\n)*? {6}tokens: 3\n/);
});
