import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { clean } from "../../stages/clean/clean.ts";
import { load } from "../../stages/load/load.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const columns = { words: "tokens", tags: "ner" };

/** Loads one file of the given content. */
async function loadFile(t: TestContext, name: string, content: string, params: object = columns) {
  const folder = await temporaryFolder(t, { [name]: content });
  return runStage(load, { params: { files: join(folder, name), ...params } });
}

test("JSON Lines with a list of words and one of tags", async (t) => {
  const lines = '{"tokens":["New","York","!"],"ner":["B-LOC","I-LOC","O"],"id":3,"from":"x"}\n';
  const { files, outputs } = await loadFile(t, "a.jsonl", lines, { ...columns, id: "id" });
  assert.deepEqual(files.dataset.texts(), {
    "train/rows.jsonl":
      '{"id":"3","text":"New York !","words":["New","York","!"],"tags":["B-LOC","I-LOC","O"],"columns":{"from":"x"}}\n',
  });
  assert.deepEqual(outputs.report, {
    rows: 1,
    tags: ["B-LOC", "I-LOC", "O"],
    splits: { train: 1 },
    labels: {},
    columns: ["from"],
    empty_texts: 0,
    files: [{ split: "train", format: "jsonl", rows: 1, blank_lines_skipped: 0 }],
  });
});

test("the same rows, and the same ids, from JSON Lines with numbers, CSV and CoNLL", async (t) => {
  const names = { tag_names: ["O", "B-LOC", "I-LOC"] };
  const sources: readonly (readonly [string, string, object])[] = [
    ["a.jsonl", '{"tokens":["New","York","!"],"ner":[1,2,0]}\n', { ...columns, ...names }],
    ["a.csv", "tokens,ner\nNew  York !,B-LOC I-LOC O\n", columns],
    ["a.tsv", 'tokens\tner\n["New","York","!"]\t1 2 0\n', { ...columns, ...names }],
    ["a.conll", "-DOCSTART- -X- O\n\nNew NNP B-LOC\nYork NNP I-LOC\n! . O\n", {}],
    ["a.iob2", "\nNew\tB-LOC\r\nYork\tI-LOC\r\n!\tO\r\n\r\n\r\n", {}],
  ];
  const rows = [];
  for (const [name, content, params] of sources)
    rows.push((await loadFile(t, name, content, params)).files.dataset.texts());
  for (const row of rows) assert.deepEqual(row, rows[0]);
});

const wrong: readonly (readonly [name: string, content: string, expected: readonly string[]])[] = [
  [
    "a.jsonl",
    '{"tokens":["a"],"ner":["O"]}\n{"tokens":["a","b"],"ner":["O"]}\n',
    ["tags-of-another-length", 'a.jsonl:2: "ner" has 1 tag for the 2 words of "tokens".'],
  ],
  ["a.csv", "tokens,ner\n,O\n", ["no-words", 'a.csv:2: "tokens" holds no words.']],
  [
    "a.csv",
    "tokens,ner\n\"['a', 'b']\",O O\n",
    ["not-a-list-of-words", "a.csv:2: \"tokens\" is no list of words: ['a', 'b']"],
  ],
  [
    "a.jsonl",
    '{"tokens":["a"," "],"ner":["O","O"]}\n',
    ["not-a-list-of-words", 'a.jsonl:1: "tokens" is no list of words: ["a"," "]'],
  ],
  [
    "a.jsonl",
    '{"words":["a"],"ner":["O"]}\n',
    ["missing-column", 'a.jsonl:1: there is no column "tokens".'],
  ],
  ["a.conll", "New B-LOC\nYork\n", ["word-without-tag", 'a.conll:2: the word "York" has no tag.']],
];

for (const [name, content, expected] of wrong)
  test(`wrong data: ${expected[0]} in ${name}`, async (t) => {
    const folder = await temporaryFolder(t, { [name]: content });
    const params = { files: join(folder, name), ...(name.endsWith(".conll") ? {} : columns) };
    const { code, message } = await problemOf(runStage(load, { params }));
    assert.deepEqual([code, message.replace(`${folder}/`, "")], expected);
  });

test("a number beyond tag_names is told with its place", async (t) => {
  const loading = loadFile(t, "a.csv", "tokens,ner\na,2\n", { ...columns, tag_names: ["O", "B"] });
  const { code, message } = await problemOf(loading);
  assert.equal(code, "unknown-tag");
  assert.match(message, /a\.csv:2: "ner" holds the tag 2, but tag_names has 2 names\.$/);
});

test("words and tags are of use together only", () => {
  const params = paramsOf(load, { files: "a.csv", words: "tokens" });
  assert.deepEqual(load.check!(params, {}), [
    {
      at: ["words"],
      code: "words-without-tags",
      message: '"words" is given without "tags".',
      hint: "name the column of the tags too",
    },
  ]);
});

test("clean drops rows with tags, but does not change their text", async (t) => {
  const { outputs } = await loadFile(t, "a.csv", "tokens,ner\na b,O O\nlonger text,O O\n");
  const cleaned = (rules: readonly unknown[]) =>
    runStage(clean, { params: { rules }, inputs: { dataset: outputs.dataset } });
  const kept = await cleaned([{ min_characters: 5 }]);
  assert.deepEqual(
    kept.outputs.dataset.splits.get("train")!.map(({ tags, words }) => ({ tags, words })),
    [{ tags: ["O", "O"], words: ["longer", "text"] }],
  );
  const { code } = await problemOf(cleaned([{ replace: { pattern: "long", with: "small" } }]));
  assert.equal(code, "tagged-text-changed");
});
