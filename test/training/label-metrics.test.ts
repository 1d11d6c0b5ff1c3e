import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { input } from "../../compute/graph.ts";
import type { ProblemType } from "../../models/model.ts";
import { labelSetMetrics } from "../../training/label-set-metrics.ts";
import { regressionMetrics } from "../../training/regression-metrics.ts";
import { taskLoss } from "../../training/task-loss.ts";
import golden from "../golden/label-metrics.json" with { type: "json" };

interface LossCase {
  readonly logits: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradient: readonly (readonly number[])[];
}

const device = await openOnnxruntimeDevice({ threads: 1 });

function closeTo(actual: number | undefined, expected: number, what: string, tolerance = 1e-12) {
  const isClose = actual !== undefined && Math.abs(actual - expected) <= tolerance;
  assert.ok(isClose, `${what}: ${actual}, expected ${expected}`);
}

async function lossAndGradient(problemType: ProblemType, { logits, targets }: LossCase) {
  const shape = [logits.length, logits[0]!.length];
  const x = input("logits", shape);
  const loss = taskLoss("sequence-classification", x, { problemType });
  const built = gradientGraph({ loss }, [x]);
  const executable = await device.compile(built.graph);
  const size = shape[0]! * shape[1]!;
  const tensor = (data: Float32Array) => ({ dtype: "float32", shape, data }) as const;
  const outputs = await executable.run(
    new Map([
      ["logits", tensor(Float32Array.from(logits.flat()))],
      ["labels", tensor(Float32Array.from(targets.flat()))],
      ["label_weights", tensor(new Float32Array(size).fill(1 / size))],
    ]),
  );
  await executable.release();
  const gradient = outputs[built.dense.get("logits")!]!.data as Float32Array;
  return { loss: outputs.loss!.data[0] as number, gradient };
}

const cases: readonly (readonly [ProblemType, readonly LossCase[]])[] = [
  ["multi_label_classification", golden.labels],
  ["regression", golden.numbers],
];
for (const [problemType, all] of cases)
  for (const [i, expected] of all.entries())
    test(`loss and gradient equal PyTorch's: ${problemType}, case ${i}`, async () => {
      const { loss, gradient } = await lossAndGradient(problemType, expected);
      closeTo(loss, expected.loss, "loss", 1e-6 * expected.loss);
      for (const [at, value] of expected.gradient.flat().entries())
        closeTo(gradient[at], value, `gradient ${at}`, 1e-6);
    });

for (const [i, expected] of golden.labels.entries())
  test(`metrics of sets of labels are scikit-learn's, case ${i}`, () => {
    const labels = expected.per_class.map((_, id) => `label ${id}`);
    const { per_class, loss, ...found } = labelSetMetrics(
      Float32Array.from(expected.logits.flat()),
      Float32Array.from(expected.targets.flat()),
      { labels, threshold: expected.threshold },
    );
    closeTo(loss, expected.loss, "loss", 1e-6 * expected.loss);
    assert.equal(Object.keys(found).length, 6);
    for (const [name, value] of Object.entries(found))
      closeTo(value, expected[name as keyof typeof found], name);
    const expectedClasses = expected.per_class.map((one, id) => ({ label: labels[id], ...one }));
    for (const [id, { label, ...numbers }] of per_class.entries()) {
      assert.equal(label, expectedClasses[id]!.label);
      for (const [name, value] of Object.entries(numbers))
        closeTo(value, expectedClasses[id]![name as keyof typeof numbers], `${label} ${name}`);
    }
  });

for (const [i, expected] of golden.numbers.entries())
  test(`metrics of numbers are scikit-learn's and scipy's, case ${i}`, () => {
    const width = expected.per_number.length;
    const { per_number, loss, ...found } = regressionMetrics(
      Float32Array.from(expected.logits.flat()),
      Float32Array.from(expected.targets.flat()),
      width,
    );
    closeTo(loss, expected.mse, "loss");
    assert.equal(Object.keys(found).length, 5);
    for (const [name, value] of Object.entries(found))
      closeTo(value, expected[name as keyof typeof found]!, name);
    assert.equal(per_number.length, width);
    for (const [id, numbers] of per_number.entries())
      for (const [name, value] of Object.entries(numbers))
        closeTo(value, expected.per_number[id]![name as keyof typeof numbers]!, `${id} ${name}`);
  });

test("constant numbers have no correlation, and R2 as scikit-learn has it", () => {
  const three = Float32Array.of(2, 2, 2);
  assert.deepEqual(regressionMetrics(three, Float32Array.of(2, 2, 5), 1), {
    loss: 3,
    mse: 3,
    mae: 1,
    r2: 1 - 9 / 6,
    per_number: [{ mse: 3, mae: 1, r2: 1 - 9 / 6 }],
  });
  assert.equal(regressionMetrics(three, three, 1).r2, 1);
  assert.equal(regressionMetrics(Float32Array.of(1, 2, 3), three, 1).r2, 0);
});
