import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { readReferenceCase } from "../rig/reference-case.ts";
import { assertTrained } from "../rig/trained-as-reference.ts";

// TUNESMITH_REFERENCE_CASES names another folder with such cases, as make_reference.py writes them.
const golden = process.env.TUNESMITH_REFERENCE_CASES ?? join(import.meta.dirname, "../golden");

/** `given` names the stage whose tokens are trained on. */
function pipeline({ load, stages, given }: { load: string; stages: string; given: string }) {
  return (task: string) => `name: reference
stages:
  rows:
    uses: load
    with: { files: rows.jsonl${load} }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: model, max_length: 32 }
${stages}  train:
    uses: fine-tune
    in: ${given}
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
}

const labelled = pipeline({ load: ", label: label", stages: "", given: "tokens" });
const taught = pipeline({
  load: "",
  stages: "  taught: { uses: ./taught.ts, in: { rows: rows, tokens: tokens } }\n",
  given: "taught",
});

/**
 * What these cases teach beyond what rows can say: a tag at every token, [CLS] and [SEP] too, answers in a text that
 * nobody asked about, and words to be found that were not hidden. A stage of one's own adds it to the tokens.
 */
const ownStage = `import { defineStage } from "tunesmith";

export default defineStage({
  inputs: { rows: { type: "dataset" }, tokens: { type: "tokens" } },
  outputs: { tokens: { type: "tokens" } },
  async run({ inputs }) {
    const rows = await inputs.rows.rows();
    const task = rows[0]!.columns.task;
    const given = rows.map(({ columns }) => JSON.parse(columns.given!) as number[]);
    const tokens = await inputs.tokens.read();
    const split = tokens.splits.get("train")!;
    const size = split.inputIds.length;
    const tags = {
      rows: split.rows.map((row, i) => ({ ...row, tags: given[i]!.map((id) => \`LABEL_\${id}\`) })),
      wordStarts: new Uint8Array(size).fill(1),
    };
    const questions = {
      asked: rows.map(({ id, text }) => ({ id, context: text, answers: [] })),
      ofRow: Uint32Array.from(rows.keys()),
      begins: new Uint32Array(size),
      ends: new Uint32Array(size),
      answers: Uint32Array.from(given.flat()),
    };
    const taught = { tag: tags, answer: { questions }, mask: { labels: Int32Array.from(given.flat()) } };
    const train = { ...split, ...taught[task as keyof typeof taught] };
    return { tokens: { ...tokens, splits: new Map([["train", train]]) } };
  },
});
`;

interface Case {
  readonly encoding: { readonly attention_mask: readonly (readonly number[])[] };
  readonly texts: readonly string[];
  readonly labels: Readonly<Record<string, readonly (number | readonly number[])[]>>;
}

const jsonLines = (rows: readonly object[]) =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");

function labelledProject({ texts, labels }: Case, task: string) {
  const rows = texts.map((text, i) => ({ text, label: `LABEL_${labels.labels![i]}` }));
  return { "rows.jsonl": jsonLines(rows), "reference.tune.yaml": labelled(task) };
}

function taggedProject({ texts, labels }: Case, task: string) {
  const ofTokens = (row: readonly number[]) => row.filter((label) => label >= 0);
  const rows = texts.map((text, i) => ({
    text,
    task: "tag",
    given: ofTokens(labels.labels![i] as readonly number[]),
  }));
  return {
    "rows.jsonl": jsonLines(rows),
    "reference.tune.yaml": taught(task),
    "taught.ts": ownStage,
  };
}

function answeredProject({ texts, labels }: Case, task: string) {
  const { start_positions: starts, end_positions: ends } = labels;
  const rows = texts.map((text, i) => ({ text, task: "answer", given: [starts![i], ends![i]] }));
  return {
    "rows.jsonl": jsonLines(rows),
    "reference.tune.yaml": taught(task),
    "taught.ts": ownStage,
  };
}

function maskedProject({ texts, labels, encoding }: Case, task: string) {
  const rows = texts.map((text, i) => {
    const length = encoding.attention_mask[i]!.filter((one) => one === 1).length;
    const given = (labels.labels![i] as readonly number[]).slice(0, length);
    return { text, task: "mask", given };
  });
  return {
    "rows.jsonl": jsonLines(rows),
    "reference.tune.yaml": taught(task),
    "taught.ts": ownStage,
  };
}

type ProjectOf = (given: Case, task: string) => Readonly<Record<string, string>>;

const cases: readonly (readonly [name: string, task: string, projectOf: ProjectOf])[] = [
  ["bert-classify", "sequence-classification", labelledProject],
  ["roberta-classify", "sequence-classification", labelledProject],
  ["distilbert-classify", "sequence-classification", labelledProject],
  ["gpt2-classify", "sequence-classification", labelledProject],
  ["bert-tag", "token-classification", taggedProject],
  ["bert-answer", "question-answering", answeredProject],
  ["bert-mask", "masked-lm", maskedProject],
  ["roberta-mask", "masked-lm", maskedProject],
];

for (const [name, task, projectOf] of cases)
  test(`a pipeline file alone trains to PyTorch's parameters: ten steps of ${name}, a checkpoint with its head`, async () => {
    const folder = join(golden, name);
    const expected = await readReferenceCase(folder);
    const given = JSON.parse(await readFile(join(folder, "case.json"), "utf8"));
    await using rig = await ProjectRig.create(projectOf(given, task));
    await rig.copy(expected.model, "model");
    const { exitCode, executed } = await rig.run(["reference.tune.yaml"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(executed.slice(-2), ["train", "save"]);

    await assertTrained(rig.folder, expected);
  });
