import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ArtifactType } from "../../engine/artifact.ts";
import { formatSafetensors, type RawTensor } from "../../models/safetensors.ts";
import { columnOf, type Dataset, dataset } from "../../stages/artifacts/dataset.ts";
import { folder } from "../../stages/artifacts/folder.ts";
import { LineTooLong, splitLines } from "../../stages/artifacts/lines.ts";
import { report } from "../../stages/artifacts/report.ts";
import { tokenizer } from "../../stages/artifacts/tokenizer.ts";
import { type Tokens, tokens } from "../../stages/artifacts/tokens.ts";
import { filesOf, MemoryFiles } from "../rig/memory-files.ts";
import { problemOf } from "../rig/run-stage.ts";

async function roundTrip<T>(type: ArtifactType<T>, value: T): Promise<T> {
  return type.read(await filesOf(type, value));
}

test("a dataset: its bytes do not depend on how the row objects were made", async () => {
  const rows = [
    { columns: { b: "2", a: "1" }, label: "x", text: "line\nbreak 🙂", id: "r" },
    { text: "", id: "s", columns: {} },
  ];
  const value: Dataset = {
    splits: new Map([
      ["train", rows],
      ["empty", []],
    ]),
  };
  const files = await filesOf(dataset, value);
  assert.deepEqual(files.texts(), {
    "empty/rows.jsonl": "",
    "train/rows.jsonl":
      '{"id":"r","text":"line\\nbreak 🙂","label":"x","columns":{"b":"2","a":"1"}}\n{"id":"s","text":"","columns":{}}\n',
  });
  assert.deepEqual(await dataset.read(files), {
    splits: new Map([
      ["empty", []],
      ["train", rows],
    ]),
  });
});

test("columnOf finds text, label, id and own columns, nothing inherited", () => {
  const row = { id: "1", text: "t", columns: { a: "b" } };
  const names = ["id", "text", "label", "a", "constructor", "__proto__"];
  assert.deepEqual(
    names.map((name) => columnOf(row, name)),
    ["1", "t", undefined, "b", undefined, undefined],
  );
});

const someTokens: Tokens = {
  splits: new Map([
    [
      "train",
      {
        rows: [{ id: "a", label: "x" }, { id: "b" }],
        inputIds: Uint16Array.of(1, 2, 3),
        offsets: Uint32Array.of(0, 1, 3),
        tokenTypeIds: Uint8Array.of(0, 0, 1),
        labels: Int32Array.of(-100, 9, -100),
      },
    ],
    ["empty", { rows: [], inputIds: new Uint16Array(0), offsets: Uint32Array.of(0) }],
  ]),
  facts: {
    max_length: 4,
    vocab_size: 10,
    pad_token_id: 0,
    unk_token_id: null,
    model_input_names: ["input_ids"],
  },
  tokenizer: new Map([["tokenizer.json", Buffer.from("{}")]]),
};

test("tokens, a report, a tokenizer and a folder are read as they were written", async () => {
  const { splits, facts, tokenizer: files } = await roundTrip(tokens, someTokens);
  assert.deepEqual(
    { splits: new Map([...splits].reverse()), facts, files },
    { splits: someTokens.splits, facts: someTokens.facts, files: someTokens.tokenizer },
  );
  assert.deepEqual(await roundTrip(report, { a: [1, null, "x"] }), { a: [1, null, "x"] });
  assert.deepEqual(await roundTrip(tokenizer, someTokens.tokenizer), someTokens.tokenizer);
  const { files: read } = await roundTrip(folder, { files: new Map([["a/b.txt", "text"]]) });
  for (let time = 0; time < 2; time++) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of read.get("a/b.txt") as AsyncIterable<Uint8Array>) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString(), "text");
  }
});

const u32 = (...values: number[]): RawTensor => ({
  dtype: "U32",
  shape: [values.length],
  bytes: new Uint8Array(Uint32Array.from(values).buffer),
});

const i32 = (...values: number[]): RawTensor => ({
  dtype: "I32",
  shape: [values.length],
  bytes: new Uint8Array(Int32Array.from(values).buffer),
});

const TOKENS_JSON = '{"max_length":4,"vocab_size":10}';
const ROWS = '{"id":"a"}\n{"id":"b"}\n';

const malformedArtifacts: readonly (readonly [
  ArtifactType<unknown>,
  Readonly<Record<string, string | Uint8Array>>,
  string,
])[] = [
  [dataset, { "rows.jsonl": "" }, "rows.jsonl is not a split's rows.jsonl"],
  [
    dataset,
    { "a/rows.jsonl": '{"id":"1","text":"x","columns":{}}\n{"id":2}\n' },
    "a/rows.jsonl has no valid row in line 2",
  ],
  [dataset, { "a/rows.jsonl": "null\n" }, "a/rows.jsonl has no valid row in line 1"],
  [
    dataset,
    { "a/rows.jsonl": Buffer.from('{"id":"\xff","text":"","columns":{}}', "latin1") },
    "a/rows.jsonl has no valid row in line 1",
  ],
  [report, { "report.json": "{" }, "report.json is not JSON"],
  [tokenizer, { "tokenizer_config.json": "{}" }, "tokenizer.json is missing"],
  [tokens, { "tokens.json": "{}" }, "tokens.json is not what the tokenize stage writes"],
  [
    tokens,
    { "tokens.json": TOKENS_JSON, "a/rows.jsonl": ROWS, "a/tokens.safetensors": "no" },
    "a/tokens.safetensors is broken (safetensors-too-short)",
  ],
  ...(
    [
      [{ input_ids: u32(1, 2, 3), lengths: u32(1) }, "does not hold 2 rows"],
      [
        { input_ids: u32(1, 2, 3), lengths: u32(1, 1) },
        "has lengths that do not add up to its tokens",
      ],
      [{ input_ids: u32(1, 2, 10), lengths: u32(1, 2) }, "has an id outside the vocabulary of 10"],
      [
        { input_ids: u32(1, 2, 3), lengths: u32(1, 2), token_type_ids: u32(0) },
        "has token_type_ids of another size than its tokens",
      ],
      [{ lengths: u32(1, 2) }, "does not hold 2 rows"],
      [
        { input_ids: u32(1, 2, 3), lengths: u32(1, 2), labels: i32(-100, 4) },
        "has labels that are not an Int32Array of 3, one for each token",
      ],
      [
        { input_ids: u32(1, 2, 3), lengths: u32(1, 2), labels: u32(1, 2, 3) },
        "has labels that are not an Int32Array of 3, one for each token",
      ],
      [
        { input_ids: u32(1, 2, 3), lengths: u32(1, 2), labels: i32(-100, 4, 10) },
        'has the label 10 in the row "b": neither -100, for none, nor an id of the vocabulary of 10',
      ],
      [
        { input_ids: u32(1, 2, 3), lengths: u32(1, 2), labels: i32(-1, 4, 9) },
        'has the label -1 in the row "a": neither -100, for none, nor an id of the vocabulary of 10',
      ],
    ] as const
  ).map(
    ([tensors, problem]) =>
      [
        tokens,
        {
          "tokens.json": TOKENS_JSON,
          "a/rows.jsonl": ROWS,
          "a/tokens.safetensors": formatSafetensors(new Map(Object.entries(tensors))),
        },
        `a/tokens.safetensors ${problem}`,
      ] as const,
  ),
];

for (const [type, content, problem] of malformedArtifacts)
  test(`a malformed artifact is refused: ${type.name} whose ${problem}`, async () => {
    const files = new MemoryFiles();
    for (const [path, bytes] of Object.entries(content)) await files.write(path, bytes);
    assert.deepEqual(await problemOf(type.read(files)), {
      code: "malformed-artifact",
      message: `A ${type.name} artifact cannot be read: ${problem}.`,
      hint: "run `tunesmith cache verify`; if it finds nothing, run the stage that made the artifact with --force",
    });
  });

test("lines are the same however the bytes are cut into chunks", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const texts = fc.string({ unit: fc.constantFrom("a", "é", "\n", "\r", "\r\n"), maxLength: 30 });
  const property = fc.asyncProperty(texts, fc.integer({ min: 1, max: 7 }), async (text, size) => {
    const bytes = Buffer.from(text);
    const found: string[] = [];
    for await (const lines of splitLines(chunksOf(bytes, size)))
      for (const { bytes: line, number, offset } of lines) {
        assert.equal(number, found.length + 1);
        assert.deepEqual(bytes.subarray(offset, offset + line.length), Buffer.from(line));
        found.push(Buffer.from(line).toString());
      }
    const expected = text.split("\n").map((line) => line.replace(/\r$/, ""));
    if (text === "" || text.endsWith("\n")) expected.pop();
    assert.deepEqual(found, expected);
  });
  await fc.assert(property, { seed, numRuns: 200 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1) });
});

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("a line beyond the limit is refused with its number, also where it spans chunks", async () => {
  for (const size of [3, 100]) {
    const reading = async () => {
      for await (const _ of splitLines(chunksOf(Buffer.from("12345\n123456\n"), size), 5));
    };
    await assert.rejects(reading, (error) => error instanceof LineTooLong && error.line === 2);
  }
});
