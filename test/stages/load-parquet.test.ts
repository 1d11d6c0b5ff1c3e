import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parquetWriteBuffer } from "hyparquet-writer";
import { StageFailure } from "../../engine/diagnostic.ts";
import { load } from "../../stages/load/load.ts";
import { generator } from "../rig/case-data.ts";
import { problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

type Cells = Readonly<Record<string, readonly (string | null)[]>>;

const golden: { readonly pyarrow: string; readonly files: Readonly<Record<string, Cells>> } =
  JSON.parse(readFileSync(new URL("../golden/parquet.json", import.meta.url), "utf8"));
const folder = join(import.meta.dirname, "../golden/parquet");

for (const [name, columns] of Object.entries(golden.files))
  test(`${name}.parquet: every cell as pyarrow ${golden.pyarrow} has it`, async () => {
    const [text] = Object.keys(columns) as [string];
    const params = { files: join(folder, `${name}.parquet`), text };
    const { outputs, metrics } = await runStage(load, { params });
    const rows = outputs.dataset.splits.get("train")!;
    for (const [column, expected] of Object.entries(columns))
      assert.deepEqual(
        rows.map((row) => (column === text ? row.text : row.columns[column])),
        expected.map((cell) => cell ?? ""),
        column,
      );
    assert.equal(metrics.rows, columns[text]!.length);
  });

test("labels and tags of datasets have names without being told; lists are words", async () => {
  const files = join(folder, "features.parquet");
  const params = { files, words: "tokens", tags: "ner_tags", id: "sentence" };
  const problem = await problemOf(runStage(load, { params }));
  assert.equal(problem.message, `${files}:3: "tokens" holds no words.`);

  const unlabelled = { files, text: "sentence", label: "label" };
  const { message } = await problemOf(runStage(load, { params: unlabelled }));
  assert.equal(message, `${files}:3: 1 row has no label, this one first.`);
});

/** A file with these columns, as hyparquet-writer has it. */
async function written(t: TestContext, columns: Readonly<Record<string, readonly unknown[]>>) {
  const columnData = Object.entries(columns).map(([name, data]) => ({
    name,
    data: [...data],
    ...(data.some((value) => value instanceof Uint8Array) && { type: "BYTE_ARRAY" as const }),
  }));
  const at = await temporaryFolder(t, {});
  const path = join(at, "rows.parquet");
  await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData })));
  return path;
}

test("wrong data is told of by row and column", async (t) => {
  const notUtf8 = Uint8Array.of(0xff, 0xfe);
  const good = Buffer.from("good");
  const texts = ["one", "two", "three"];
  const cases = [
    [{ words: texts }, {}, 'there is no column "text".'],
    [{ text: ["one", null, "three"] }, {}, '2: "text" is null, not a string.'],
    [{ text: [1, 2, 3] }, {}, '1: "text" is a number, not a string.'],
    [{ text: [good, notUtf8, good] }, {}, '2: "text" holds bytes that are not UTF-8.'],
    [
      { text: texts, label: ["a", null, "b"] },
      { label: "label" },
      "2: 1 row has no label, this one first.",
    ],
    [
      { text: texts, id: ["a", "b", "a"] },
      { id: "id" },
      '3: the id "a" was already given at FILE:1.',
    ],
    [{ text: [] }, {}, "the file has no rows."],
  ] as const;
  for (const [columns, params, expected] of cases) {
    const files = await written(t, columns);
    const { message } = await problemOf(runStage(load, { params: { files, ...params } }));
    const separator = /^\d/.test(expected) ? ":" : ": ";
    assert.equal(message, `${files}${separator}${expected.replace("FILE", files)}`);
  }
});

test("a list, a number, a struct and nothing at all are no text", async () => {
  const files = join(folder, "snappy.parquet");
  const kinds = { words: "a list", count: "a number", answers: "an object", nothing: "null" };
  for (const [text, kind] of Object.entries(kinds)) {
    const { message } = await problemOf(runStage(load, { params: { files, text } }));
    assert.equal(message, `${files}:1: "${text}" is ${kind}, not a string.`);
  }
});

test("bytes that are no text are left out where nobody asks for them", async (t) => {
  const image = Uint8Array.of(0xff, 0xd8);
  const files = await written(t, { text: ["one"], image: [image] });
  const { outputs } = await runStage(load, { params: { files } });
  const [row] = outputs.dataset.splits.get("train")!;
  assert.deepEqual([row!.text, row!.columns], ["one", { image: "" }]);
});

test("what is no Parquet file is told of, whatever its bytes are", async (t) => {
  const whole = await readFile(join(folder, "zstd-pages-v2.parquet"));
  const encrypted = Buffer.concat([whole.subarray(0, -4), Buffer.from("PARE")]);
  const hugeMetadata = Buffer.from(whole);
  hugeMetadata.writeUInt32LE(0x7fff_ffff, whole.length - 8);
  const files = {
    "empty.parquet": Buffer.alloc(0),
    "text.parquet": Buffer.from("text,label\nnot a parquet file,x\n"),
    "cut.parquet": whole.subarray(0, 3000),
    "encrypted.parquet": encrypted,
    "huge.parquet": hugeMetadata,
  };
  const at = await temporaryFolder(t, files);
  const expected = {
    "empty.parquet": "it cannot be read as Parquet: it is too short.",
    "text.parquet": "it cannot be read as Parquet: parquet file invalid (footer != PAR1).",
    "cut.parquet": "it cannot be read as Parquet: parquet file invalid (footer != PAR1).",
    "encrypted.parquet": "it cannot be read as Parquet: it is encrypted.",
    "huge.parquet": "it cannot be read as Parquet: its metadata is too large.",
  };
  for (const [name, why] of Object.entries(expected)) {
    const path = join(at, name);
    const { message } = await problemOf(runStage(load, { params: { files: path } }));
    assert.equal(message, `${path}: ${why}`);
  }
});

test("damaged files give rows or a StageFailure, never anything else", async (t) => {
  const seed = Number(process.env.TUNESMITH_TEST_SEED ?? 7);
  const random = generator(seed);
  const at = await temporaryFolder(t, {});
  const outcomes = { rows: 0, failures: 0 };
  for (const name of ["snappy", "zstd-pages-v2", "deltas"])
    for (let round = 0; round < 12; round++) {
      const bytes = await readFile(join(folder, `${name}.parquet`));
      for (let i = 0; i < 3; i++) bytes[Math.floor(random() * bytes.length)] = random() * 256;
      const path = join(at, "damaged.parquet");
      await writeFile(path, bytes);
      try {
        await runStage(load, { params: { files: path } });
        outcomes.rows++;
      } catch (error) {
        const isKnown = error instanceof StageFailure;
        assert.ok(isKnown, `seed ${seed}, ${name}, round ${round}: ${(error as Error).stack}`);
        outcomes.failures++;
      }
    }
  assert.ok(outcomes.failures > 8, JSON.stringify(outcomes));
});

test("a file that takes for ever is given up", async (t) => {
  const bytes = await readFile(join(folder, "zstd-pages-v2.parquet"));
  // Found by chance: a run of two thousand million equal values.
  for (const [at, value] of [
    [1668, 97],
    [5316, 221],
    [3136, 127],
  ] as const)
    bytes[at] = value;
  const files = join(await temporaryFolder(t, { "endless.parquet": bytes }), "endless.parquet");
  const { message } = await problemOf(runStage(load, { params: { files } }));
  assert.equal(
    message,
    `${files}: the rows 1 to 20 cannot be read as Parquet: that takes too long.`,
  );
});
