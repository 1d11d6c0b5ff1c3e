import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { input } from "../../compute/graph.ts";
import { taskLoss } from "../../training/task-loss.ts";
import { labelWeight } from "../../training/token-dataset.ts";
import golden from "../golden/losses.json" with { type: "json" };

const device = await openOnnxruntimeDevice({ threads: 1 });

for (const { smoothing, weights, logits, labels, loss, gradient } of golden)
  test(`loss and gradient equal PyTorch's: smoothing ${smoothing}, class weights ${weights}`, async () => {
    const [rows, classes] = [labels.length, logits[0]!.length];
    const x = input("logits", [rows, classes]);
    const built = gradientGraph({ loss: taskLoss("sequence-classification", x, { smoothing }) }, [
      x,
    ]);
    const executable = await device.compile(built.graph);
    const dataset = {
      ids: new Uint16Array(rows),
      offsets: Int32Array.from({ length: rows + 1 }, (_, row) => row),
      labels: Int32Array.from(labels),
      rowIds: labels.map(String),
    };
    const all = labels.map((_, row) => row);
    const sum = weights ? labelWeight(dataset, all, weights) : rows;
    const rowWeights = Float32Array.from(labels, (label) => (weights?.[label] ?? 1) / sum);
    const outputs = await executable.run(
      new Map([
        [
          "logits",
          { dtype: "float32", shape: [rows, classes], data: Float32Array.from(logits.flat()) },
        ],
        ["labels", { dtype: "int32", shape: [rows], data: dataset.labels }],
        ["label_weights", { dtype: "float32", shape: [rows], data: rowWeights }],
      ]),
    );
    assert.ok(Math.abs((outputs.loss!.data[0]! as number) - loss) < 1e-6 * Math.abs(loss) + 1e-7);
    const found = outputs[built.dense.get("logits")!]!.data as Float32Array;
    for (const [i, expected] of gradient.flat().entries())
      assert.ok(Math.abs(found[i]! - expected) < 1e-6, `${i}: ${found[i]} and ${expected}`);
    await executable.release();
  });
