import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Encoder } from "../../stages/tokenize/encoder.ts";
import { readTokenizer } from "../../stages/tokenize/read-tokenizer.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { readReferenceCase } from "../rig/reference-case.ts";
import { assertTrained } from "../rig/trained-as-reference.ts";
import { numberTokenizer } from "../rig/word-tokenizer.ts";

const golden = (name: string) => join(import.meta.dirname, "../golden", name);
const caseOf = async (name: string) =>
  JSON.parse(await readFile(join(golden(name), "case.json"), "utf8"));

const pipeline = ({ load, tokenizer, task }: Readonly<Record<string, string>>) => `name: reference
stages:
  rows:
    uses: load
    with: { files: ${load} }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: ${tokenizer}, max_length: 32 }
  train:
    uses: fine-tune
    in: tokens
    with:
      model: model
      task: ${task}
      shuffle: false
      max_steps: 10
      warmup_steps: 2
      learning_rate: 1e-3
      weight_decay: 0.01
      per_device_train_batch_size: 6
  save:
    uses: save
    in: train
    with: { to: out }
`;

for (const name of ["gpt2-generate", "llama-generate"])
  test(`${name}: a pipeline file alone trains to PyTorch's parameters; the command writes transformers' tokens`, async () => {
    const expected = await readReferenceCase(golden(name));
    const { texts, generate } = await caseOf(name);
    await using rig = await ProjectRig.create({
      "rows.txt": `${texts.join("\n")}\n`,
      // The tokenizer without its end token: the case's texts have no end to be learned.
      "reference.tune.yaml": pipeline({
        load: "rows.txt",
        tokenizer: "model/tokenizer.json",
        task: "causal-lm",
      }),
    });
    await rig.copy(expected.model, "model");
    assert.equal((await rig.run(["reference.tune.yaml"])).exitCode, 0);
    await assertTrained(rig.folder, expected);

    const encoder = new Encoder(await readTokenizer(expected.model));
    for (const [beams, tokens] of [
      ["1", generate.greedy],
      ["4", generate.beam4],
    ]) {
      const flags = ["--max-new-tokens", "16", "--num-beams", beams];
      const { stdout } = await rig.command(["generate", "model", generate.prompt, ...flags]);
      assert.equal(stdout, `${encoder.decode(tokens)}\n`);
    }
  });

test("t5-translate: a pipeline file alone trains to PyTorch's parameters; the command writes transformers' tokens", async () => {
  const name = "t5-translate";
  const expected = await readReferenceCase(golden(name));
  const { encoding, labels } = await caseOf(name);
  const sources = (encoding.input_ids as readonly number[][]).map((ids, row) =>
    ids.filter((_, at) => encoding.attention_mask[row][at] === 1).join(" "),
  );
  const targets = (labels.labels as readonly number[][]).map((ids) => ids.join(" "));
  await using rig = await ProjectRig.create({
    "rows.csv": `from,to\n${sources.map((source, row) => `${source},${targets[row]}`).join("\n")}\n`,
    "reference.tune.yaml": pipeline({
      load: "rows.csv, source: from, target: to",
      tokenizer: "model",
      task: "sequence-to-sequence",
    }),
  });
  await rig.copy(expected.model, "model");
  for (const [file, bytes] of numberTokenizer(800)) await rig.write({ [`model/${file}`]: bytes });
  assert.equal((await rig.run(["reference.tune.yaml"])).exitCode, 0);
  await assertTrained(rig.folder, expected);

  const { cases } = JSON.parse(await readFile(golden("generation.json"), "utf8"));
  const written = cases.filter(
    ({ model, options }: { model: string; options: Record<string, unknown> }) =>
      model === name && Object.keys(options).join() === "num_beams,eos_token_ids,max_new_tokens",
  );
  assert.equal(written.length, 3);
  const prompts = written.map(({ prompt }: { prompt: readonly number[] }) => prompt.join(" "));
  const flags = ["--max-new-tokens", "14", "--num-beams", "4"];
  const { stdout } = await rig.command(["generate", "model", ...prompts, ...flags]);
  const lines = written.map(({ tokens }: { tokens: readonly number[] }) => tokens.join(" "));
  assert.deepEqual(stdout.trimEnd().split("\n"), lines);
  const greedy = await rig.command(["generate", "model", sources[0]!, "--max-new-tokens", "12"]);
  assert.equal(greedy.stdout, `${(await caseOf(name)).generate.greedy[0].slice(1).join(" ")}\n`);
});
