import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseSafetensors } from "../../models/safetensors.ts";
import { embed } from "../../stages/embed/embed.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { assertClose } from "../rig/assert-close.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";
import { tokensOf } from "../rig/tokens-of.ts";

interface Golden {
  readonly max_length: number;
  readonly texts: readonly string[];
  readonly vectors: Readonly<Record<string, readonly (readonly number[])[]>>;
}

const folderOf = (name: string) => join(import.meta.dirname, `../golden/${name}/model`);
const model = folderOf("bert-classify");

async function tokensOfTexts(texts: readonly string[], params: object) {
  const inputs = { dataset: datasetOf(rowsOf(texts)) };
  return (await runStage(tokenize, { params, inputs })).outputs.tokens;
}

// BERT's texts end with an empty one, a word, and one that is too long; GPT-2 has no tokens for an empty one.
const cases = { "bert-classify": "embeddings.json", "gpt2-classify": "embeddings-gpt2.json" };
for (const [name, file] of Object.entries(cases)) {
  const folder = folderOf(name);
  const golden: Golden = JSON.parse(
    readFileSync(new URL(`../golden/${file}`, import.meta.url), "utf8"),
  );
  const { texts, max_length } = golden;
  for (const [kind, expected] of Object.entries(golden.vectors))
    test(`${name}, ${kind}: the vectors of sentence-transformers, of texts together and alone`, async () => {
      const pooling = kind.replace(", normalised", "");
      const params = { model: folder, pooling, normalize: kind.endsWith("normalised") };
      const tokenizer = { tokenizer: folder, max_length };
      const dataset = await tokensOfTexts(texts, tokenizer);
      const { outputs, metrics } = await runStage(embed, { params, inputs: { dataset } });
      const { splits, facts } = outputs.embeddings;
      const { rows, vectors } = splits.get("train")!;
      assert.deepEqual(
        rows.map(({ id }) => id),
        texts.map((_, i) => String(i + 1)),
      );
      const { encoder, ...others } = facts;
      assert.match(encoder, /^sha256:[0-9a-f]{64}$/);
      const { normalize } = params;
      assert.deepEqual(others, { max_length, width: expected[0]!.length, pooling, normalize });
      assertClose(vectors, expected.flat(), 5e-6, kind);
      assert.deepEqual(metrics, { rows: texts.length });

      const alone = await tokensOfTexts([texts[6]!], tokenizer);
      const one = await runStage(embed, { params, inputs: { dataset: alone } });
      const [ofOne] = [...one.outputs.embeddings.splits.values()];
      assertClose(ofOne!.vectors, expected[6]!, 5e-6, `${kind} of one text`);
    });
}

/** Rows of three tokens, each unlike the others. */
const manyRows = Array.from({ length: 600 }, (_, i) => [2, 4 + (i % 90), 4 + ((i * 7) % 83), 3]);

async function embedRows(rows: readonly (readonly number[])[], checkpoints: MemoryCheckpoints) {
  const tokens = tokensOf({ train: rows.map((ids) => [ids] as const) }, { vocab: 120 });
  const params = { model, normalize: true };
  return runStage(embed, { params, inputs: { dataset: tokens }, checkpoints });
}

test("a row that is changed, added or taken out computes its chunk; the bytes are those of a whole run", async () => {
  const kept = new MemoryCheckpoints();
  const first = await embedRows(manyRows, kept);
  assert.match(first.log[0]!, /^600 of 600 rows computed/);
  assert.match((await embedRows(manyRows, kept)).log[0]!, /^0 of 600 rows computed/);

  const changes = {
    changed: manyRows.with(300, [2, 50, 51, 52, 3]),
    added: [...manyRows.slice(0, 200), [2, 9, 9, 3], ...manyRows.slice(200)],
    "taken out": manyRows.toSpliced(450, 1),
  };
  for (const [what, rows] of Object.entries(changes)) {
    const again = await embedRows(rows, kept);
    const computed = Number(again.log[0]!.split(" ")[0]);
    assert.ok(computed > 0 && computed < 200, `${what}: ${again.log[0]}`);
    const whole = await embedRows(rows, new MemoryCheckpoints());
    const path = "train/vectors.safetensors";
    const [bytes, expected] = [again, whole].map(({ files }) => files.embeddings.read(path));
    assert.deepEqual(await bytes, await expected, what);
  }
});

test("a chunk that is damaged is computed again; a full disk costs nothing but later work", async () => {
  const kept = new MemoryCheckpoints();
  const whole = await embedRows(manyRows, kept);
  kept.damaged.add(kept.names[2]!);
  kept.isFull = true;
  const again = await embedRows(manyRows, kept);
  assert.match(
    again.log[0]!,
    /^vectors could not be kept for later runs: no space left on device$/,
  );
  assert.deepEqual(again.outputs, whole.outputs);
});

test("the artifact: vectors as safetensors, ids, facts, the tokenizer's files", async () => {
  const { files } = await embedRows([[2, 5, 3]], new MemoryCheckpoints());
  assert.deepEqual(files.embeddings.paths, [
    "embeddings.json",
    "tokenizer.json",
    "train/rows.jsonl",
    "train/vectors.safetensors",
  ]);
  const { tensors } = parseSafetensors(await files.embeddings.read("train/vectors.safetensors"));
  assert.deepEqual([...tensors.keys()], ["vectors"]);
  assert.deepEqual(tensors.get("vectors")!.shape, [1, 32]);
  assert.equal(
    await files.embeddings.readText("train/rows.jsonl"),
    '{"id":"train-1","tokens":"81e5ec0b76146b12"}\n',
  );
});

test("rows and models that do not fit are told of", async () => {
  const params = { model };
  const outside = tokensOf({ train: [[[2, 900, 3]]] }, { vocab: 1000 });
  const long = tokensOf({ train: [[Array.from({ length: 200 }, () => 5)]] }, { vocab: 120 });
  const cases = [
    [params, outside, /^The split "train" has the token id 900, but the model's vocabulary/],
    [params, long, /^1 of 1 row of the split "train" are longer than the 64 tokens/],
    [
      { model: join(import.meta.dirname, "../golden/t5-translate/model") },
      tokensOf({ train: [[[5]]] }),
      /^The model cannot embed: A model of type "t5" does not do feature-extraction; it does:/,
    ],
  ] as const;
  for (const [given, dataset, message] of cases)
    assert.match(
      (await problemOf(runStage(embed, { params: given, inputs: { dataset } }))).message,
      message,
    );
});
