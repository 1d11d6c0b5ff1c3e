import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import type { Embeddings } from "../../stages/artifacts/embeddings.ts";
import { nearDuplicates } from "../../stages/embed/near-duplicates.ts";
import { nearestRows, vectorOfRow } from "../../stages/embed/nearest-rows.ts";

const rowsOf = (...ids: string[]) => ids.map((id) => ({ id, tokens: "" }));

const facts = { max_length: 8, width: 2, pooling: "mean", normalize: false, encoder: "" } as const;
const vectors: Embeddings = {
  facts,
  tokenizer: new Map(),
  splits: new Map([
    ["train", { rows: rowsOf("a", "b", "zero"), vectors: Float32Array.of(3, 0, 0, 5, 0, 0) }],
    ["test", { rows: rowsOf("c", "a"), vectors: Float32Array.of(8, 8, 0.5, 0) }],
  ]),
};

test("the nearest rows by cosine, whatever their lengths; of equal ones the earlier", () => {
  const near = nearestRows(vectors, Float32Array.of(7, 0), 4);
  assert.deepEqual(
    near.map(({ split, id, similarity }) => [split, id, similarity.toFixed(4)]),
    [
      ["train", "a", "1.0000"],
      ["test", "a", "1.0000"],
      ["test", "c", "0.7071"],
      ["train", "b", "0.0000"],
    ],
  );
});

test("a row's vector by its id, in the first split that has it", () => {
  assert.deepEqual(vectorOfRow(vectors, "c"), { split: "test", vector: Float32Array.of(8, 8) });
  assert.equal(vectorOfRow(vectors, "a")!.split, "train");
  assert.equal(vectorOfRow(vectors, "d"), undefined);
});

test("near pairs of all rows, those across splits counted", async () => {
  const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });
  const found = await nearDuplicates(vectors, { least: 0.7, most: 2, device });
  const { nearest, ...counts } = found;
  assert.deepEqual(counts, { pairs: 4, acrossSplits: 3 });
  assert.deepEqual(
    nearest.map(({ first, second, similarity }) => [first, second, similarity.toFixed(4)]),
    [
      [{ split: "train", id: "a" }, { split: "test", id: "a" }, "1.0000"],
      [{ split: "train", id: "a" }, { split: "test", id: "c" }, "0.7071"],
    ],
  );
});
