import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { graphOf, input } from "../../compute/graph.ts";
import { batchInputs } from "../../models/batch-inputs.ts";
import { folderSource } from "../../models/file-source.ts";
import { noDropout } from "../../models/layers.ts";
import { loadPretrained, type ModelWithWeights } from "../../models/pretrained.ts";
import { batchTensors, padBatch, trainingBatch } from "../../training/batches.ts";
import { predictLogits } from "../../training/evaluate.ts";
import { fineTune } from "../../training/fine-tune.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { classificationMetrics } from "../../training/metrics.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import { TrainingStep } from "../../training/training-step.ts";
import { type ReferenceCase, readReferenceCase, relativeError } from "../rig/reference-case.ts";

// What PyTorch 2.13 and transformers 5.23 compute from a small checkpoint. TUNESMITH_REFERENCE_CASE
// names another folder that make_reference.py wrote.
const folder =
  process.env.TUNESMITH_REFERENCE_CASE ?? join(import.meta.dirname, "../golden/bert-classify");
const device = await openOnnxruntimeDevice({ threads: 2 });
let reference: ReferenceCase;
let start: ModelWithWeights;
let dataset: TokenDataset;

before(async () => {
  reference = await readReferenceCase(folder);
  start = await loadPretrained(folderSource(reference.model), { seed: 0 });
  dataset = datasetOf(reference);
});

function datasetOf({ encoding, labels }: ReferenceCase): TokenDataset {
  const rows = encoding.input_ids.map((ids, row) =>
    ids.filter((_, at) => encoding.attention_mask[row]![at] === 1),
  );
  const offsets = [0];
  for (const row of rows) offsets.push(offsets.at(-1)! + row.length);
  return {
    ids: Uint16Array.from(rows.flat()),
    offsets: Int32Array.from(offsets),
    labels: Int32Array.from(labels.labels as readonly number[]),
    rowIds: rows.map((_, row) => `${row}`),
  };
}

function assertClose(name: string, actual: ArrayLike<number>, base?: ArrayLike<number>): void {
  const error = relativeError(actual, reference.golden.get(name)!, base);
  const tolerance = reference.tolerance(name);
  assert.ok(error <= tolerance, `${name}: relative error ${error}, tolerance ${tolerance}`);
}

const wholeBatch = () => {
  const { maxLength, padTokenId } = start.model;
  const all = [...dataset.labels.keys()];
  return padBatch(dataset, all, { rows: all.length, maxLength, padTokenId });
};

test("logits and loss", async () => {
  const { model, parameters, labels } = start;
  const logits = await predictLogits(dataset, { model, parameters, device, batchSize: 6 });
  assertClose("logits", logits);
  const { loss } = classificationMetrics(logits, dataset.labels, labels);
  assert.ok(Math.abs(loss / reference.loss - 1) < 1e-5, `loss ${loss}, expected ${reference.loss}`);
});

test("last hidden state, at every token", async () => {
  const batch = wholeBatch();
  const params = new Map(
    start.model.parameters.map(({ name, shape }) => [name, input(name, shape)]),
  );
  const inputs = batchInputs(start.model, batch);
  const { lastHiddenState } = start.model.compute(params, inputs, noDropout);
  const executable = await device.compile(graphOf({ lastHiddenState }));
  const outputs = await executable.run(new Map([...start.parameters, ...batchTensors(batch)]));
  await executable.release();
  const width = lastHiddenState.shape[2]!;
  const goldenLength = reference.encoding.input_ids[0]!.length;
  const golden = reference.golden.get("last_hidden_state")!;
  const found: number[] = [];
  const expected: number[] = [];
  for (const row of dataset.labels.keys()) {
    const tokens = (dataset.offsets[row + 1]! - dataset.offsets[row]!) * width;
    const at = row * batch.length * width;
    found.push(...(outputs.lastHiddenState!.data.subarray(at, at + tokens) as Float32Array));
    const goldenAt = row * goldenLength * width;
    expected.push(...golden.subarray(goldenAt, goldenAt + tokens));
  }
  const error = relativeError(found, expected);
  assert.ok(error <= reference.tolerance("last_hidden_state"), `relative error ${error}`);
});

test("the gradient of every parameter", async () => {
  const step = new TrainingStep(start.model, device, { sessions: 1 });
  const batch = wholeBatch();
  const sum = new GradientSum();
  const loss = await step.addGradients(sum, start.parameters, {
    batch: trainingBatch(batch, 1 / batch.rows),
    role: { seed: 0, step: 0, part: 0 },
  });
  await step.release();
  assert.ok(Math.abs(loss / reference.loss - 1) < 1e-5, `loss ${loss}, expected ${reference.loss}`);
  for (const { name } of start.model.parameters) {
    const table = sum.tables.get(name);
    const gradient = table
      ? new Float32Array(start.parameters.get(name)!.data.length)
      : sum.dense.get(name)!;
    table?.addTo(gradient);
    assertClose(`grad.${name}`, gradient);
  }
  const norm = sum.norm();
  assert.ok(Math.abs(norm / reference.gradNorms[0]! - 1) < 1e-5, `norm ${norm}`);
});

test("ten steps of AdamW with warm-up, decay and clipping", async () => {
  const { trained, state } = await fineTune({
    start,
    dataset,
    device,
    arguments: {
      max_steps: 10,
      learning_rate: 1e-3,
      warmup_steps: 2,
      weight_decay: 0.01,
      max_grad_norm: 1,
      per_device_train_batch_size: 6,
      shuffle: false,
      logging_steps: 1,
    },
  });
  const logged = state.log_history.slice(0, 10);
  assert.deepEqual(
    logged.map((entry) => entry.learning_rate),
    reference.learningRates,
  );
  for (const [step, { loss, grad_norm }] of logged.entries()) {
    assert.ok(
      Math.abs(loss! / reference.losses[step]! - 1) < 1e-5,
      `loss at step ${step}: ${loss}`,
    );
    const expected = reference.gradNorms[step]!;
    assert.ok(Math.abs(grad_norm! / expected - 1) < 1e-3, `norm at step ${step}: ${grad_norm}`);
  }
  const furthest = reference.learningRates.reduce((sum, rate) => sum + rate);
  for (const [name, { data }] of trained.parameters) {
    const before = start.parameters.get(name)!.data;
    // A key bias has no gradient in exact arithmetic: the golden change is below float32, and what
    // is seen is rounding noise that Adam enlarges, by at most the learning rate at each step.
    if (relativeError(before, reference.golden.get(`after.${name}`)!) === 0)
      for (const [i, x] of data.entries()) assert.ok(Math.abs(x - before[i]!) <= furthest, name);
    else assertClose(`after.${name}`, data, before);
  }
});
