import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byCodeUnit } from "../../stages/by-code-unit.ts";
import { learnVocabulary } from "../../stages/train-tokenizer/learn-vocabulary.ts";
import { trainTokenizer } from "../../stages/train-tokenizer/train-tokenizer.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";

test("pieces: each character alone and continuing, then the most frequent pairs", () => {
  const words = new Map([
    ["low", 5],
    ["lower", 2],
    ["new", 6],
    ["newer", 3],
  ]);
  // ew 2+3+6... : n+##e 9, ##e+##w 9, l+##o 7, ##o+##w 7, ##w+##e 5, ##e+##r 5
  assert.deepEqual(learnVocabulary(words, { size: 20, minFrequency: 2 }), {
    pieces: [
      ..."elnorw",
      ..."elnorw".split("").map((character) => `##${character}`),
      "ne",
      "new",
      "lo",
      "low",
      "##er",
      "newer",
      "lower",
    ],
    droppedCharacters: [],
  });
});

test("characters for which there is no room are the rarest, and take their words with them", () => {
  const words = new Map([
    ["aa", 5],
    ["ab", 4],
    ["cz", 1],
  ]);
  assert.deepEqual(learnVocabulary(words, { size: 6, minFrequency: 1 }), {
    pieces: ["a", "b", "c", "##a", "##b", "##c"],
    droppedCharacters: ["z"],
  });
});

test("a trained tokenizer: its files, metrics and report", async () => {
  const texts = ["The cat sat.", "the CAT, the Café", "7 cats 🙂"];
  const { files, outputs, metrics } = await runStage(trainTokenizer, {
    params: { vocab_size: 47, min_frequency: 2 },
    inputs: { dataset: datasetOf(rowsOf(texts)) },
  });
  const json = JSON.parse(await files.tokenizer.readText("tokenizer.json"));
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const characters = [..."\u002c.7acefhst", "🙂"];
  const vocabulary = [
    ...special,
    ...characters,
    ...characters.map((character) => `##${character}`),
    "ca",
    "th",
    "cat",
    "the",
  ];
  assert.deepEqual(
    Object.keys(json.model.vocab).sort(byCodeUnit),
    [...vocabulary].sort(byCodeUnit),
  );
  for (const [id, piece] of vocabulary.entries()) assert.equal(json.model.vocab[piece], id);
  json.model.vocab = {};
  assert.deepEqual(json, {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
        { Sequence: { id: "B", type_id: 1 } },
        { SpecialToken: { id: "[SEP]", type_id: 1 } },
      ],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: {},
    },
  });
  assert.deepEqual(JSON.parse(await files.tokenizer.readText("tokenizer_config.json")), {
    cls_token: "[CLS]",
    mask_token: "[MASK]",
    pad_token: "[PAD]",
    sep_token: "[SEP]",
    unk_token: "[UNK]",
    do_lower_case: true,
    model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
    strip_accents: null,
    tokenize_chinese_chars: true,
    tokenizer_class: "BertTokenizer",
  });
  const report = outputs.report as { examples: unknown[] };
  assert.deepEqual(
    { ...report, examples: report.examples[2] },
    {
      vocab_size: 31,
      texts: 3,
      words: 12,
      distinct_words: 9,
      tokens: 17,
      tokens_per_word: 17 / 12,
      whole_word_rate: 9 / 12,
      unknown_rate: 0,
      characters_without_room: [],
      examples: { id: "3", text: "7 cats 🙂", tokens: ["7", "cat", "##s", "🙂"] },
    },
  );
  assert.deepEqual(metrics, { vocab_size: 31, tokens_per_word: 17 / 12, unknown_rate: 0 });
});

test("check: a dataset without a split train must name the one to learn from", () => {
  const check = (dataset?: string[]) =>
    trainTokenizer.check!(paramsOf(trainTokenizer, {}), dataset === undefined ? {} : { dataset });
  assert.deepEqual([check(), check(["train"]), check(["all"])], [[], [], []]);
  assert.deepEqual(check([]), [
    {
      at: [],
      code: "no-train-split",
      message: "The dataset has no split train to learn from.",
      hint: "name the split: in: STAGE.SPLIT",
    },
  ]);
});

test("a tokenizer that keeps case and accents", async () => {
  const { outputs } = await runStage(trainTokenizer, {
    params: { lowercase: false },
    inputs: { dataset: datasetOf(rowsOf(["Café Café"])) },
  });
  const [example] = (outputs.report as { examples: { tokens: string[] }[] }).examples;
  assert.deepEqual(example!.tokens, ["Café", "Café"]);
});

test("refused: rows without a word", async () => {
  const inputs = { dataset: datasetOf(rowsOf(["", " \u0000"])) };
  assert.deepEqual(await problemOf(runStage(trainTokenizer, { inputs })), {
    code: "no-words",
    message: "There is no word in the 2 rows to learn a vocabulary from.",
    hint: "the split train is read, unless the reference names another: in: STAGE.SPLIT",
  });
});

test("a word of more than 100 characters is unknown and teaches nothing", async () => {
  const { outputs } = await runStage(trainTokenizer, {
    inputs: { dataset: datasetOf(rowsOf([`${"q".repeat(101)} word`])) },
  });
  const { unknown_rate, examples } = outputs.report as {
    unknown_rate: number;
    examples: { tokens: string[] }[];
  };
  assert.equal(unknown_rate, 1 / 5);
  assert.deepEqual(examples[0]!.tokens, ["[UNK]", "w", "##o", "##r", "##d"]);
});

test("random words: counts kept up to date give what counting anew at each merge gives", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const words = fc.array(
    fc.tuple(
      fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
    ),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 4 }), (entries, minFrequency) => {
      const counts = new Map(entries);
      const shuffled = new Map([...counts].reverse());
      const limits = { size: 30, minFrequency };
      const learned = learnVocabulary(counts, limits);
      assert.deepEqual(learned.pieces, naiveVocabulary(counts, limits));
      assert.deepEqual(learned, learnVocabulary(shuffled, limits));
    }),
    { seed, numRuns: 100 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1) },
  );
});

/** The same rule in the plainest way. */
function naiveVocabulary(
  counts: ReadonlyMap<string, number>,
  { size, minFrequency }: { size: number; minFrequency: number },
): string[] {
  const characters = [...new Set([...counts.keys()].join(""))].sort(byCodeUnit);
  const pieces = [...characters, ...characters.map((character) => `##${character}`)];
  let words = [...counts].map(([word, count]) => ({
    parts: [...word].map((character, i) => (i === 0 ? character : `##${character}`)),
    count,
  }));
  while (pieces.length < size) {
    const pairs = new Map<string, { left: string; right: string; merged: string; count: number }>();
    for (const { parts, count } of words)
      for (let i = 1; i < parts.length; i++) {
        const [left, right] = [parts[i - 1]!, parts[i]!];
        const pair = pairs.get(`${left} ${right}`) ?? {
          left,
          right,
          merged: left + right.slice(2),
          count: 0,
        };
        pair.count += count;
        pairs.set(`${left} ${right}`, pair);
      }
    const [best] = [...pairs.values()].sort(
      (a, b) =>
        b.count - a.count ||
        a.merged.length - b.merged.length ||
        byCodeUnit(a.merged, b.merged) ||
        pieces.indexOf(a.left) - pieces.indexOf(b.left),
    );
    if (best === undefined || best.count < minFrequency) break;
    if (!pieces.includes(best.merged)) pieces.push(best.merged);
    words = words.map(({ parts, count }) => {
      const joined: string[] = [];
      for (let i = 0; i < parts.length; i++)
        if (parts[i] === best.left && parts[i + 1] === best.right) {
          joined.push(best.merged);
          i++;
        } else joined.push(parts[i]!);
      return { parts: joined, count };
    });
  }
  return pieces;
}
