import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Encoder } from "../../stages/tokenize/encoder.ts";
import { trainTokenizer } from "../../stages/train-tokenizer/train-tokenizer.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { paramsOf, runStage } from "../rig/run-stage.ts";

const golden = JSON.parse(
  await readFile(join(import.meta.dirname, "../golden/bpe.json"), "utf8"),
) as {
  readonly texts: readonly string[];
  readonly vocabulary: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
  readonly encoded: readonly { readonly text: string; readonly input_ids: readonly number[] }[];
};

test("byte-level BPE learns the vocabulary and merges that Rust's tokenizers learns, and gives its ids", async () => {
  const { outputs, metrics } = await runStage(trainTokenizer, {
    params: { algorithm: "bpe", vocab_size: 420 },
    inputs: { dataset: datasetOf(rowsOf(golden.texts)) },
  });
  const { tokenizer } = outputs;
  const json = JSON.parse(Buffer.from(tokenizer.get("tokenizer.json")!).toString());
  const ids = json.model.vocab as Readonly<Record<string, number>>;
  const vocabulary = Object.keys(ids).sort((a, b) => ids[a]! - ids[b]!);
  assert.deepEqual(vocabulary, golden.vocabulary);
  assert.deepEqual(json.model.merges, golden.merges);
  assert.deepEqual([metrics.vocab_size, metrics.unknown_rate], [420, 0]);
  const encoder = new Encoder(tokenizer);
  assert.deepEqual([encoder.facts.padId, encoder.facts.endId], [0, 1]);
  for (const { text, input_ids } of golden.encoded) {
    assert.deepEqual(encoder.encode(text, { maxLength: 10_000 }).ids, input_ids, text);
    assert.equal(encoder.decode(input_ids), text);
  }
});

test("the texts of both sides of a pair are learned from", async () => {
  const row = { id: "1", text: "aaaa aaaa", columns: {} };
  const piecesOf = async (answer: object) => {
    const { metrics } = await runStage(trainTokenizer, {
      params: { algorithm: "bpe", vocab_size: 300 },
      inputs: { dataset: datasetOf([{ ...row, ...answer }]) },
    });
    return metrics.vocab_size! - 258;
  };
  // aa, aaaa, Ġaaaa occurs once
  assert.equal(await piecesOf({}), 2);
  assert.equal(await piecesOf({ target: "bb bb" }), 3);
  assert.equal(await piecesOf({ completion: "bb bb" }), 3);
});

test("check: a vocabulary has room for all bytes", () => {
  const problems = (vocab_size: number) =>
    trainTokenizer.check!(paramsOf(trainTokenizer, { algorithm: "bpe", vocab_size }), {});
  assert.deepEqual(
    problems(257).map(({ at, code }) => [...at, code]),
    [["vocab_size", "vocabulary-too-small"]],
  );
  assert.deepEqual(problems(258), []);
});
