import assert from "node:assert/strict";
import { test } from "node:test";
import { hashAt, streamKey } from "../../models/counter-hash.ts";
import type { TagPrediction } from "../../stages/artifacts/metrics.ts";
import type { TokenSplit, Tokens } from "../../stages/artifacts/tokens.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { save } from "../../stages/save/save.ts";
import { wordsOf } from "../../stages/tag-texts.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";
import { tinyConfig, tokensOf } from "../rig/tokens-of.ts";

/** A row of words of one token each: [id, tag]; a word without a tag goes on from the one before. */
type Words = readonly (readonly [id: number, tag?: string])[];

/** Rows of words between the tokens 2 and 3. */
function tagged(rows: Readonly<Record<string, readonly Words[]>>): Tokens {
  const plain = tokensOf(
    Object.fromEntries(
      Object.entries(rows).map(([name, all]) => [
        name,
        all.map((words) => [[2, ...words.map(([id]) => id), 3]] as const),
      ]),
    ),
  );
  const splits = [...plain.splits].map(([name, split]): [string, TokenSplit] => {
    const words = rows[name]!;
    return [
      name,
      {
        ...split,
        rows: split.rows.map((row, i) => ({
          ...row,
          tags: words[i]!.flatMap(([, tag]) => tag ?? []),
        })),
        wordStarts: Uint8Array.from(
          words.flatMap((all) => [0, ...all.map(([, tag]) => Number(tag !== undefined)), 0]),
        ),
      },
    ];
  });
  return { ...plain, splits: new Map(splits) };
}

/** Names are 5 and 6 after the title 7; without the title they are nothing. */
function people(count: number, seed: number): readonly Words[] {
  const key = streamKey(seed, "people");
  return Array.from({ length: count }, (_, row): Words => {
    const draw = (at: number, size: number) => hashAt(key, row * 8 + at) % size;
    const name = 5 + draw(0, 2);
    const filler: Words = [[10 + draw(1, 6), "O"]];
    const known: Words = [[7, "O"], [name, "B-PER"], [8 + draw(2, 2)], [name, "I-PER"]];
    const unknown: Words = [
      [name, "O"],
      [10 + draw(3, 6), "O"],
    ];
    return draw(4, 2) === 0 ? [...filler, ...known] : [...unknown, ...filler];
  });
}

/** The same words, with the tags of the whole split dealt anew. */
function shuffled(rows: readonly Words[]): readonly Words[] {
  const tags = rows.flat().flatMap(([, tag]) => tag ?? []);
  const key = streamKey(1, "shuffled");
  return rows.map((words, row) =>
    words.map(([id, tag], at) =>
      tag === undefined ? [id] : [id, tags[hashAt(key, row * 8 + at) % tags.length]!],
    ),
  );
}

const quick = {
  task: "token-classification",
  model: { config: { ...tinyConfig, hidden_size: 32 } },
  learning_rate: 0.01,
  num_train_epochs: 8,
  per_device_train_batch_size: 8,
};

async function trained(train: readonly Words[]) {
  const dataset = tagged({ train, validation: people(16, 2) });
  return runStage(fineTune, { params: quick, inputs: { dataset } });
}

test("learns names by the word before them; a model of shuffled tags does not", async () => {
  const rows = people(64, 1);
  const { outputs, metrics, files } = await trained(rows);
  assert.deepEqual(Object.keys(metrics).sort(), [
    "epochs",
    "eval_accuracy",
    "eval_f1",
    "eval_loss",
    "eval_precision",
    "eval_recall",
    "steps",
    "train_loss",
  ]);
  assert.equal(metrics.eval_f1, 1);
  const config = JSON.parse(await files.model.readText("config.json"));
  assert.deepEqual(config.id2label, { 0: "B-PER", 1: "I-PER", 2: "O" });
  assert.deepEqual(config.architectures, ["BertForTokenClassification"]);
  assert.equal("problem_type" in config, false);

  const control = await trained(shuffled(rows));
  assert.ok(control.metrics.eval_f1! < 0.5, `control: F1 ${control.metrics.eval_f1}`);

  const test: readonly Words[] = [
    [[10, "O"], [7, "O"], [5, "B-PER"], [8], [5, "I-PER"]],
    [
      [6, "O"],
      [11, "B-PER"],
      [12, "O"],
    ],
  ];
  const measured = await runStage(evaluate, {
    inputs: { model: outputs.model, dataset: tagged({ test }) },
  });
  const { loss, ...simple } = measured.metrics;
  assert.deepEqual(simple, {
    accuracy: 6 / 7,
    precision: 1,
    recall: 0.5,
    f1: 2 / 3,
    macro_f1: 2 / 3,
    weighted_f1: 2 / 3,
    majority_accuracy: 4 / 7,
    words: 7,
    rows: 2,
  });
  const { report, predictions } = measured.outputs.metrics;
  assert.deepEqual(report, {
    split: "test",
    labels: ["B-PER", "I-PER", "O"],
    classes: [{ label: "PER", precision: 1, recall: 0.5, f1: 2 / 3, support: 2 }],
    confusion: [
      [1, 0, 1],
      [0, 1, 0],
      [0, 0, 4],
    ],
  });
  assert.deepEqual(predictions as readonly TagPrediction[], [
    { id: "test-1", tags: ["O", "O", "B-PER", "I-PER"], predictions: ["O", "O", "B-PER", "I-PER"] },
    { id: "test-2", tags: ["O", "B-PER", "O"], predictions: ["O", "O", "O"] },
  ]);

  const saved = await runStage(save, {
    params: { to: "out" },
    inputs: { model: outputs.model, metrics: measured.outputs.metrics },
  });
  const card = await saved.files.folder.readText("README.md");
  assert.match(card, /^pipeline_tag: token-classification$/m);
  assert.match(card, /^# Word tagger$/m);
  assert.match(card, /\| PER \| 1 \| 0\.5000 \| 0\.6667 \| 2 \|/);
  assert.ok(saved.metrics.onnx_max_difference! < 1e-4);
});

test("wrong data: no tags, one tag only, a tag that training does not have", async () => {
  const tuned = (dataset: Tokens) =>
    problemOf(runStage(fineTune, { params: quick, inputs: { dataset } }));
  assert.deepEqual(await tuned(tokensOf({ train: [[[2, 5, 3], "x"]] })), {
    code: "rows-without-tags",
    message: 'The words of the split "train" have no tags.',
    hint: "set `words` and `tags` in the load stage to the columns that hold them",
  });
  assert.deepEqual(await tuned(tagged({ train: [[[5, "O"]]] })), {
    code: "one-label",
    message: 'All words of the split "train" have the tag "O".',
    hint: "a classifier needs words of at least two tags",
  });
  const both: Words = [
    [5, "O"],
    [6, "B-X"],
  ];
  assert.deepEqual(await tuned(tagged({ train: [both], validation: [both, [[6, "B-Y"]]] })), {
    code: "unknown-label",
    message:
      'The split "validation" has the label "B-Y", which the split "train" does not have: 1 row, the first of them "validation-2".',
    hint: 'put rows of this label into the training split, or drop them; a split stage with "stratify: label" keeps labels in all splits',
  });
});

test("words of a text, with their places", () => {
  const shown = (text: string) => wordsOf(text).map(({ word, start, end }) => [word, start, end]);
  assert.deepEqual(shown(' "Dr. Who" (U.S.A) 😀x… —'), [
    ['"', 1, 2],
    ["Dr", 2, 4],
    [".", 4, 5],
    ["Who", 6, 9],
    ['"', 9, 10],
    ["(", 11, 12],
    ["U.S.A", 12, 17],
    [")", 17, 18],
    ["😀", 19, 21],
    ["x", 21, 22],
    ["…", 22, 23],
    ["—", 24, 25],
  ]);
});
