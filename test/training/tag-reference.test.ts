import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { folderSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import { predictLogits } from "../../training/evaluate.ts";
import { fineTune } from "../../training/fine-tune.ts";
import { tagMetrics } from "../../training/tag-metrics.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import { type ReferenceCase, readReferenceCase, relativeError } from "../rig/reference-case.ts";

const folder = join(import.meta.dirname, "../golden/bert-tag");

/** The tokens of the case's rows without their padding; -100 stands for no label there. */
function datasetOf({ encoding, labels }: ReferenceCase): TokenDataset {
  const withoutPadding = (rows: readonly (readonly number[])[]) =>
    rows.map((ids, row) => ids.filter((_, at) => encoding.attention_mask[row]![at] === 1));
  const rows = withoutPadding(encoding.input_ids);
  const offsets = [0];
  for (const row of rows) offsets.push(offsets.at(-1)! + row.length);
  const given = withoutPadding(labels.labels as readonly (readonly number[])[]);
  return {
    ids: Uint16Array.from(rows.flat()),
    offsets: Int32Array.from(offsets),
    labels: Int32Array.from(given.flat(), (label) => Math.max(label, -1)),
    labelsOf: "tokens",
    rowIds: rows.map((_, row) => `${row}`),
  };
}

test("labels of tokens: loss and ten steps of training equal PyTorch's", async () => {
  const reference = await readReferenceCase(folder);
  const device = await openOnnxruntimeDevice({ threads: 2 });
  const start = await loadPretrained(folderSource(reference.model), { seed: 0 });
  const dataset = datasetOf(reference);
  const logits = await predictLogits(dataset, { ...start, device, batchSize: 4 });
  const { loss } = tagMetrics(logits, dataset, start.labels);
  assert.ok(Math.abs(loss / reference.loss - 1) < 1e-5, `loss ${loss}`);
  const { trained, state } = await fineTune({
    start,
    dataset,
    device,
    arguments: {
      max_steps: 10,
      learning_rate: 1e-3,
      warmup_steps: 2,
      weight_decay: 0.01,
      per_device_train_batch_size: 2, // the mean is over the labels of the step, not of each batch
      gradient_accumulation_steps: 3,
      shuffle: false,
      logging_steps: 1,
    },
  });
  for (const [step, expected] of reference.losses.entries()) {
    const found = state.log_history[step]!.loss!;
    assert.ok(Math.abs(found / expected - 1) < 1e-5, `loss of step ${step + 1}: ${found}`);
  }
  for (const name of ["classifier.weight", "bert.embeddings.word_embeddings.weight"]) {
    const before = start.parameters.get(name)!.data;
    const after = trained.parameters.get(name)!.data;
    const error = relativeError(after, reference.golden.get(`after.${name}`)!, before);
    assert.ok(error <= reference.tolerance(`after.${name}`), `${name}: relative error ${error}`);
  }
});
