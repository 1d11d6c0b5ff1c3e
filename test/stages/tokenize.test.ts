import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TokenSplit } from "../../stages/artifacts/tokens.ts";
import { Encoder } from "../../stages/tokenize/encoder.ts";
import { loadTokenizer } from "../../stages/tokenize/load-tokenizer.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { trainTokenizer } from "../../stages/train-tokenizer/train-tokenizer.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const GOLDEN = new URL("../golden/tokenizers/", import.meta.url).pathname;
const BERT = join(GOLDEN, "bert-classify");

interface GoldenText {
  readonly text: string;
  readonly input_ids: readonly number[];
}

const golden: Readonly<Record<string, readonly GoldenText[]>> = JSON.parse(
  readFileSync(join(GOLDEN, "tokenizers.json"), "utf8"),
);

function goldenFiles(name: string) {
  return new Map(
    ["tokenizer.json", "tokenizer_config.json"].map((file) => [
      file,
      readFileSync(join(GOLDEN, name, file)),
    ]),
  );
}

for (const [name, texts] of Object.entries(golden))
  test(`${name}: ids of difficult strings equal those of Rust's tokenizers`, () => {
    const encoder = new Encoder(goldenFiles(name));
    for (const { text, input_ids } of texts)
      assert.deepEqual(
        encoder.encode(text, { maxLength: 1000 }).ids,
        input_ids,
        JSON.stringify(text),
      );
  });

test("the golden strings through the stage: the same ids, twice", async () => {
  const texts = golden["bert-classify"]!;
  const rows = rowsOf([...texts, ...texts].map(({ text }) => text));
  const { outputs } = await runStage(tokenize, {
    params: { tokenizer: BERT, max_length: 200 },
    inputs: { dataset: datasetOf(rows) },
  });
  assert.deepEqual(
    idsOf(outputs.tokens.splits.get("train")!),
    [...texts, ...texts].map(({ input_ids }) => input_ids),
  );
});

function idsOf({ inputIds, offsets, rows }: TokenSplit): number[][] {
  return rows.map((_, i) => [...inputIds.subarray(offsets[i], offsets[i + 1])]);
}

test("splits, labels, truncation, report, metrics and the files as they were given", async () => {
  const [short, long, empty, unknown] = ["café", "leading and trailing", "", "日本"];
  const rows = rowsOf([
    [short, "x"],
    [long, "y"],
    [empty, "x"],
    [unknown, "y"],
  ]);
  const splits = new Map([
    ["train", rows.slice(0, 3)],
    ["test", rows.slice(3)],
  ]);
  const { files, outputs, metrics } = await runStage(tokenize, {
    params: { tokenizer: BERT, max_length: 6 },
    inputs: { dataset: { splits } },
  });
  assert.deepEqual(files.tokens.paths, [
    "test/rows.jsonl",
    "test/tokens.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokens.json",
    "train/rows.jsonl",
    "train/tokens.safetensors",
  ]);
  for (const [name, bytes] of goldenFiles("bert-classify"))
    assert.deepEqual(await files.tokens.read(name), bytes);
  assert.equal(
    await files.tokens.readText("train/rows.jsonl"),
    '{"id":"1","label":"x"}\n{"id":"2","label":"y"}\n{"id":"3","label":"x"}\n',
  );
  const train = outputs.tokens.splits.get("train")!;
  assert.deepEqual(train.inputIds.constructor, Uint16Array);
  assert.deepEqual(idsOf(train), [
    [2, 38, 68, 78, 67, 3],
    [2, 47, 67, 175, 127, 3],
    [2, 3],
  ]);
  assert.deepEqual(idsOf(outputs.tokens.splits.get("test")!), [[2, 1, 1, 3]]);
  assert.deepEqual(outputs.tokens.facts, {
    max_length: 6,
    vocab_size: 800,
    pad_token_id: 0,
    unk_token_id: 1,
    model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
  });
  const all = {
    rows: 4,
    tokens: 18,
    mean_length: 22 / 4,
    median_length: 4,
    p95_length: 10,
    p99_length: 10,
    longest: 10,
    truncation_rate: 1 / 4,
    unknown_rate: 2 / 18,
  };
  assert.deepEqual(metrics, all);
  assert.deepEqual(outputs.report, {
    max_length: 6,
    ...all,
    histogram: [
      { up_to: 8, rows: 3 },
      { up_to: 16, rows: 1 },
    ],
    splits: {
      test: {
        rows: 1,
        tokens: 4,
        mean_length: 4,
        median_length: 4,
        p95_length: 4,
        p99_length: 4,
        longest: 4,
        truncation_rate: 0,
        unknown_rate: 0.5,
      },
      train: {
        rows: 3,
        tokens: 14,
        mean_length: 18 / 3,
        median_length: 6,
        p95_length: 10,
        p99_length: 10,
        longest: 10,
        truncation_rate: 1 / 3,
        unknown_rate: 0,
      },
    },
    examples_with_unknown_tokens: [{ id: "4", text: "日本" }],
  });
});

test("a tokenizer from another stage, with token types and a vocabulary beyond 16 bits", async () => {
  const trained = await runStage(trainTokenizer, {
    inputs: { dataset: datasetOf(rowsOf(["a b"])) },
  });
  const json = JSON.parse(await trained.files.tokenizer.readText("tokenizer.json"));
  json.post_processor.single[1].Sequence.type_id = 1;
  json.added_tokens.push({ ...json.added_tokens[0], id: 70_000, content: "<far>" });
  const tokenizer = new Map([["tokenizer.json", Buffer.from(JSON.stringify(json))]]);
  const { outputs } = await runStage(tokenize, {
    inputs: { dataset: datasetOf(rowsOf(["a <far>b", ""])), tokenizer },
  });
  const split = outputs.tokens.splits.get("train")!;
  assert.deepEqual(split, {
    rows: [{ id: "1" }, { id: "2" }],
    inputIds: Uint32Array.of(2, 5, 70_000, 6, 3, 2, 3),
    offsets: Uint32Array.of(0, 5, 7),
    tokenTypeIds: Uint8Array.of(0, 1, 1, 1, 0, 0, 0),
  });
  assert.equal(outputs.tokens.facts.vocab_size, 70_001);
  assert.equal(outputs.tokens.facts.pad_token_id, null);
});

test("truncation_side left keeps the end", () => {
  const files = goldenFiles("bert-classify");
  const config = {
    ...JSON.parse(files.get("tokenizer_config.json")!.toString()),
    truncation_side: "left",
  };
  const encoder = new Encoder(
    new Map([...files, ["tokenizer_config.json", Buffer.from(JSON.stringify(config))]]),
  );
  const { ids, fullLength } = encoder.encode("leading and trailing", { maxLength: 5 });
  assert.deepEqual({ ids, fullLength }, { ids: [2, 220, 260, 770, 3], fullLength: 10 });
});

test("BERT normalization where @huggingface/tokenizers alone differs from Rust", () => {
  const encoder = new Encoder(goldenFiles("bert-classify"));
  const count = (text: string) => encoder.encode(text, { maxLength: 99 }).ids.length - 2;
  assert.equal(count("\u{20000}\u{20001}"), 2); // each ideograph beyond U+FFFF is a word
  assert.equal(count("\u4e00\u4e01"), 2);
  const { tokenizer } = loadTokenizer(goldenFiles("bert-classify"));
  assert.equal(tokenizer.normalizer!("ΟΔΟΣ ΑΣ, ﬃ İ\u0300\u00ad"), "οδοσ ασ, ﬃ i");
});

test("byte-level white space is Unicode's: U+0085 separates words, U+FEFF does not", () => {
  const encoder = new Encoder(goldenFiles("gpt2-generate"));
  const ids = (text: string) => encoder.encode(text, { maxLength: 99 }).ids;
  assert.deepEqual(ids("!\u0085x"), [1, 127, 228, 88]);
  assert.deepEqual(ids("!\ufeffx"), [1, 172, 120, 124, 88]);
});

const inputs = { dataset: datasetOf(rowsOf([["one two three four", "x"]])) };

test("refused: no room for text, rows too long, rows without tokens", async () => {
  const run = (params: object, dataset = inputs.dataset) =>
    problemOf(runStage(tokenize, { params, inputs: { dataset } }));
  assert.deepEqual(await run({ tokenizer: BERT, max_length: 2 }), {
    code: "no-room-for-text",
    message: "max_length 2 leaves no room for text beside the 2 special tokens of each row.",
    hint: "raise max_length",
  });
  assert.deepEqual(await run({ tokenizer: BERT, max_length: 3, truncation: false }), {
    code: "row-too-long",
    message: 'The row "1" of the split "train" has 11 tokens, more than max_length 3.',
    hint: "raise max_length, or let rows be cut with truncation: true",
  });
  const empty = datasetOf(rowsOf(["a", ""]));
  assert.deepEqual(await run({ tokenizer: join(GOLDEN, "gpt2-generate") }, empty), {
    code: "row-without-tokens",
    message:
      'The row "2" of the split "train" has no tokens: its text is empty, or white space only.',
    hint: "take such rows out with the rule drop_empty of the clean stage",
  });
});

test("refused: folders and files that hold no tokenizer", async (t) => {
  const folder = await temporaryFolder(t, {
    "old/vocab.txt": "[PAD]\n",
    "broken/tokenizer.json": "",
    "other/tokenizer.json": '{"model":{"type":"WordPiece"}}',
    "strange/tokenizer.json": JSON.stringify({
      added_tokens: [],
      normalizer: { type: "Rot13" },
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model: { type: "WordPiece", vocab: {}, unk_token: "?" },
    }),
  });
  const run = async (name: string) => {
    const { code, message } = await problemOf(
      runStage(tokenize, { params: { tokenizer: join(folder, name) }, inputs }),
    );
    return `${code}: ${message.replace(folder, "")}`;
  };
  assert.equal(await run("old"), "no-tokenizer-json: /old: the folder has no tokenizer.json.");
  assert.equal(
    await run("broken"),
    "invalid-json: tokenizer.json is not JSON: Unexpected end of JSON input.",
  );
  assert.equal(
    await run("other/tokenizer.json"),
    'unusable-tokenizer: tokenizer.json cannot be used: Tokenizer must contain a "decoder" property',
  );
  assert.equal(
    await run("strange"),
    "unusable-tokenizer: tokenizer.json cannot be used: Unknown Normalizer type: Rot13",
  );
});

test("a hostile regular expression ends as a failure at the deadline", async () => {
  const json = JSON.parse(readFileSync(join(BERT, "tokenizer.json"), "utf8"));
  json.pre_tokenizer = {
    type: "Split",
    pattern: { Regex: "(a+)+$" },
    behavior: "Isolated",
    invert: false,
  };
  const tokenizer = new Map([["tokenizer.json", Buffer.from(JSON.stringify(json))]]);
  const dataset = datasetOf(rowsOf([`${"a".repeat(60)}!`]));
  const start = performance.now();
  assert.deepEqual(await problemOf(runStage(tokenize, { inputs: { dataset, tokenizer } })), {
    code: "tokenizer-too-slow",
    message: "The tokenizer took more than 5 s for 61 characters.",
    hint: "a regular expression in its tokenizer.json takes exponential time on this text; if you did not write it, do not trust the file",
  });
  assert.ok(performance.now() - start < 10_000);
});

test("an aborted stage stops", async () => {
  const abort = new AbortController();
  const running = runStage(tokenize, { params: { tokenizer: BERT }, inputs, signal: abort.signal });
  abort.abort(new Error("stop"));
  await assert.rejects(running, { message: "stop" });
});

test("check: exactly one tokenizer", () => {
  const check = (params: object, ports: object) =>
    tokenize.check!(paramsOf(tokenize, params), ports);
  const hint = "set tokenizer in `with`, or lead a tokenizer into the port `tokenizer`, not both";
  assert.deepEqual(check({ tokenizer: "m" }, { dataset: ["train"] }), []);
  assert.deepEqual(check({}, { tokenizer: [] }), []);
  assert.deepEqual(check({ tokenizer: "m" }, { tokenizer: [] }), [
    { at: ["tokenizer"], code: "two-tokenizers", message: "It is given two tokenizers.", hint },
  ]);
  assert.deepEqual(check({}, { dataset: ["train"] }), [
    { at: [], code: "no-tokenizer", message: "It is given no tokenizer.", hint },
  ]);
});

interface GoldenWords {
  readonly words: readonly string[];
  readonly max_length: number;
  readonly input_ids: readonly number[];
  readonly word_ids: readonly (number | null)[];
}

const goldenWords: Readonly<Record<string, readonly GoldenWords[]>> = JSON.parse(
  readFileSync(join(GOLDEN, "words.json"), "utf8"),
);

for (const [name, texts] of Object.entries(goldenWords))
  test(`${name}: ids of given words, and where each begins, equal those of Rust's tokenizers`, () => {
    const encoder = new Encoder(goldenFiles(name));
    for (const { words, max_length, input_ids, word_ids } of texts) {
      const found = encoder.encodeWords(words, { maxLength: max_length });
      assert.deepEqual(found.ids, input_ids);
      const begins = word_ids.map((word, at) =>
        word === null || word === word_ids[at - 1] ? -1 : word,
      );
      assert.deepEqual(found.begins, begins);
    }
  });

test("tags go to the tokens that begin words; words cut off or without tokens lose theirs, counted", async () => {
  const row = (id: string, words: readonly string[], tags: readonly string[]) => ({
    id,
    text: words.join(" "),
    words,
    tags,
    columns: {},
  });
  const dataset = datasetOf([
    row("a", ["a", "\u200b", "!", "?"], ["A", "B", "C", "D"]),
    row("b", ["!", "!", "!", "!"], ["A", "B", "C", "D"]),
  ]);
  const { outputs, metrics } = await runStage(tokenize, {
    params: { tokenizer: BERT, max_length: 5 },
    inputs: { dataset },
  });
  const { rows, wordStarts, offsets } = outputs.tokens.splits.get("train")!;
  assert.deepEqual(rows, [
    { id: "a", tags: ["A", "C", "D"] },
    { id: "b", tags: ["A", "B", "C"] },
  ]);
  assert.deepEqual([...offsets], [0, 5, 10]);
  assert.deepEqual([...wordStarts!], [0, 1, 1, 1, 0, 0, 1, 1, 1, 0]);
  assert.deepEqual([metrics.words_cut, metrics.words_without_tokens], [1, 1]);
});
