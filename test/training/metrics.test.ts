import assert from "node:assert/strict";
import { test } from "node:test";
import { classificationMetrics, probabilitiesOf } from "../../training/metrics.ts";
import golden from "../golden/metrics.json" with { type: "json" };

for (const [i, expected] of golden.entries())
  test(`metrics equal scikit-learn's, case ${i}`, () => {
    const labels = expected.confusion_matrix.map((_, id) => `label ${id}`);
    const found = classificationMetrics(
      Float32Array.from(expected.logits.flat()),
      Int32Array.from(expected.truth),
      labels,
    );
    for (const name of ["loss", "accuracy", "macro_f1", "weighted_f1"] as const)
      assert.ok(Math.abs(found[name] - expected[name]) < 1e-12, `${name}: ${found[name]}`);
    assert.deepEqual(found.confusion_matrix, expected.confusion_matrix);
    for (const [id, each] of expected.per_class.entries()) {
      assert.equal(found.per_class[id]!.label, labels[id]);
      for (const name of ["precision", "recall", "f1", "support"] as const)
        assert.ok(Math.abs(found.per_class[id]![name] - each[name]) < 1e-12, `${name} of ${id}`);
    }
  });

test("the first of equal logits is predicted", () => {
  const { confusion_matrix } = classificationMetrics(Float32Array.of(1, 1), Int32Array.of(1), [
    "a",
    "b",
  ]);
  assert.deepEqual(confusion_matrix, [
    [0, 0],
    [1, 0],
  ]);
});

test("probabilities of large logits stay finite", () => {
  assert.deepEqual([...probabilitiesOf(Float32Array.of(3e38, 3e38, -3e38))], [0.5, 0.5, 0]);
});
