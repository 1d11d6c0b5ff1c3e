import assert from "node:assert/strict";
import { test } from "node:test";
import { entitiesOf, isEntityScheme } from "../../training/entities.ts";
import { entityMetrics, tagMetrics } from "../../training/tag-metrics.ts";
import golden from "../golden/tag-metrics.json" with { type: "json" };

const closeTo = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${what}: ${actual}, expected ${expected}`);

for (const [i, expected] of golden.entries())
  test(`entities are counted as seqeval does, case ${i}`, () => {
    let words = 0;
    const rowEnds = expected.truth.map((row) => {
      words += row.length;
      return words;
    });
    const found = entityMetrics(expected.truth.flat(), expected.predicted.flat(), rowEnds);
    for (const name of ["precision", "recall", "f1", "macro_f1", "weighted_f1"] as const)
      closeTo(found[name], expected[name], name);
    assert.equal(found.per_class.length, expected.per_class.length);
    for (const [id, each] of expected.per_class.entries()) {
      assert.equal(found.per_class[id]!.label, each.label);
      for (const name of ["precision", "recall", "f1", "support"] as const)
        closeTo(found.per_class[id]![name], each[name], `${name} of ${each.label}`);
    }
  });

test("entities of IOB1, IOB2 and IOBES", () => {
  const shown = (tags: string) =>
    entitiesOf(tags.split(" ")).map(({ type, begin, end }) => `${type} ${begin}-${end}`);
  assert.deepEqual(shown("B-P I-P O I-L B-L"), ["P 0-2", "L 3-4", "L 4-5"]);
  assert.deepEqual(shown("I-P I-L I-L"), ["P 0-1", "L 1-3"]);
  assert.deepEqual(shown("S-P B-P I-P E-P E-P"), ["P 0-1", "P 1-4", "P 4-5"]);
  assert.deepEqual(shown("U-P B-P L-P I-P"), ["P 0-1", "P 1-3", "P 3-4"]);
  assert.deepEqual(shown("O O"), []);
});

test("which tags mark entities", () => {
  assert.equal(isEntityScheme(["O", "B-a-b", "I-x"]), true);
  assert.equal(isEntityScheme(["NOUN", "VERB"]), false);
  assert.equal(isEntityScheme(["O"]), false);
});

/** Three rows; the second has no label, the others one at their middle token. */
const dataset = {
  ids: Uint16Array.of(1, 5, 2, 1, 2, 1, 6, 2),
  offsets: Uint32Array.of(0, 3, 5, 8),
  labels: Int32Array.of(-1, 1, -1, -1, -1, -1, 0, -1),
  labelsOf: "tokens",
  rowIds: ["a", "b", "c"],
} as const;

const logits = Float32Array.from(
  [0, 0, -9, 9, 0, 0, 0, 0, 0, 0, 0, 0, -9, 9, 0, 0], // [8, 2]: both words are given label 1
);

test("only tokens with a label count; tags that mark no entities count word by word", () => {
  const found = tagMetrics(logits, dataset, ["NOUN", "VERB"]);
  const { accuracy, precision, recall, f1, confusion_matrix } = found;
  assert.deepEqual([accuracy, precision, recall, f1], [0.5, 0.5, 0.5, 0.5]);
  assert.deepEqual(confusion_matrix, [
    [0, 1],
    [0, 1],
  ]);
  closeTo(found.loss, 9 + Math.log1p(Math.exp(-18)), "loss");
});

test("an entity more than there is lowers precision only", () => {
  const { accuracy, precision, recall, f1, per_class } = tagMetrics(logits, dataset, ["O", "B-X"]);
  assert.deepEqual([accuracy, precision, recall, f1], [0.5, 0.5, 1, 2 / 3]);
  assert.deepEqual(per_class, [{ label: "X", precision: 0.5, recall: 1, f1: 2 / 3, support: 1 }]);
});
