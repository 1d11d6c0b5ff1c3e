import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { type Shape, sizeOf } from "../../compute/graph.ts";
import { createModel } from "../../models/pretrained.ts";
import { padBatch, trainingBatch } from "../../training/batches.ts";
import { fineTune } from "../../training/fine-tune.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { measureLanguageModel } from "../../training/language-model.ts";
import { packRows } from "../../training/pack-rows.ts";
import { labelCount, type TokenDataset } from "../../training/token-dataset.ts";
import { TrainingStep } from "../../training/training-step.ts";
import { assertClose } from "../rig/assert-close.ts";
import { markedRows } from "../rig/marked-rows.ts";
import { smallConfigs } from "../rig/small-configs.ts";

const device = await openOnnxruntimeDevice({ threads: 1 });

/** Texts of these tokens; each is followed by the next, the last of a text by 7. */
function texts(...given: readonly (readonly number[])[]): TokenDataset {
  const ends = given.map((_, i) => given.slice(0, i + 1).flat().length);
  return {
    ids: Uint16Array.from(given.flat()),
    offsets: Uint32Array.from([0, ...ends]),
    labels: Int32Array.from(given.flatMap((ids) => [...ids.slice(1), 7])),
    labelsOf: "tokens",
    rowIds: given.map((_, i) => `t${i + 1}`),
  };
}

test("texts share rows: the longest first, each where it leaves least room; labels go with them", () => {
  const packed = packRows(texts([1, 2], [3, 4, 5, 6], [1], [2, 3, 4], [5, 6]), 5);
  assert.deepEqual(packed, {
    ids: Uint16Array.of(1, 2, 2, 3, 4, 3, 4, 5, 6, 1, 5, 6),
    offsets: Uint32Array.of(0, 5, 10, 12),
    labels: Int32Array.of(2, 7, 3, 4, 7, 4, 5, 6, 7, 7, 6, 7),
    labelsOf: "tokens",
    textStarts: Uint8Array.of(1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0),
    rowIds: ["t1 + t4", "t2 + t3", "t5"],
  });
});

test("a batch of packed rows tells its texts apart by places and numbers; padding is of none", () => {
  const packed = packRows(texts([1, 2], [3, 4, 5]), 8);
  const { sizes, tensors } = trainingBatch(
    padBatch(packed, [0], { rows: 1, maxLength: 8, padTokenId: 0 }),
    1,
  );
  assert.deepEqual(sizes, { rows: 1, length: 8, packed: true });
  const read = (name: string) => [...(tensors.get(name)!.data as Int32Array)];
  assert.deepEqual(read("input_ids"), [1, 2, 3, 4, 5, 0, 0, 0]);
  assert.deepEqual(read("position_ids"), [0, 1, 0, 1, 2, 0, 0, 0]);
  assert.deepEqual(read("text_ids"), [1, 1, 2, 2, 2, 0, 0, 0]);
  assert.deepEqual(read("attention_mask"), [1, 1, 1, 1, 1, 0, 0, 0]);
  assert.deepEqual(read("label_weights"), [1, 1, 1, 1, 1, 0, 0, 0]);
});

function gradientOf({ dense, tables }: GradientSum, name: string, shape: Shape): Float32Array {
  const gradient = dense.get(name)?.slice() ?? new Float32Array(sizeOf(shape));
  tables.get(name)?.addTo(gradient);
  return gradient;
}

for (const modelType of ["gpt2", "llama", "qwen3"])
  test(`${modelType}: packed and padded rows have the same loss and the same gradients`, async () => {
    const config = { model_type: modelType, ...smallConfigs[modelType], initializer_range: 0.5 };
    const { model, parameters } = createModel(
      { ...config, attn_pdrop: 0, embd_pdrop: 0, resid_pdrop: 0, attention_dropout: 0 },
      { task: "causal-lm", seed: 1 },
    );
    const padded = texts([1, 2], [3, 4, 5, 6], [1], [2, 3, 4], [5, 6]);
    const courses = [];
    for (const dataset of [padded, packRows(padded, 5)]) {
      const step = new TrainingStep(model, device, { sessions: 1 });
      const sum = new GradientSum();
      const rows = dataset.rowIds.length;
      const numbers = [...dataset.rowIds.keys()];
      const batch = padBatch(dataset, numbers, { rows, maxLength: 5, padTokenId: 0 });
      const loss = await step.addGradients(sum, parameters, {
        batch: trainingBatch(batch, 1 / labelCount(dataset, numbers)),
        role: { seed: 0, step: 0, part: 0 },
      });
      await step.release();
      courses.push({ loss, sum });
    }
    const [a, b] = courses;
    assertClose([b!.loss], [a!.loss], 1e-6, "loss");
    for (const { name, shape } of model.parameters)
      assertClose(gradientOf(b!.sum, name, shape), gradientOf(a!.sum, name, shape), 1e-5, name);
    const options = { model, parameters, device, batchSize: 2 };
    const { loss, tokens } = await measureLanguageModel(padded, options);
    const measured = await measureLanguageModel(packRows(padded, 5), options);
    assert.equal(measured.tokens, tokens);
    assertClose([measured.loss], [loss], 1e-6, "measured loss");
  });

test("packing makes a training the same however its texts are batched: one step of all", async () => {
  const { ids, offsets, rowIds } = markedRows(20, 1);
  const ends = new Set([...offsets].map((offset) => offset - 1));
  const labels = Int32Array.from(ids, (_, at) => (ends.has(at) ? -1 : ids[at + 1]!));
  const padded: TokenDataset = { ids, offsets, labels, labelsOf: "tokens", rowIds };
  const dropout = { embd_pdrop: 0, attn_pdrop: 0, resid_pdrop: 0 };
  const sizes = { vocab_size: 20, n_embd: 16, n_layer: 1, n_head: 2, n_positions: 16 };
  const config = { model_type: "gpt2", ...sizes, ...dropout };
  const start = createModel(config, { task: "causal-lm", seed: 1 });
  const lossOf = async (dataset: TokenDataset) => {
    const given = { per_device_train_batch_size: 64, max_steps: 3, logging_steps: 1 };
    const { state } = await fineTune({ start, dataset, device, arguments: given });
    return state.log_history.slice(0, 3).map(({ loss }) => loss!);
  };
  const packed = packRows(padded, 16);
  assert.ok(packed.rowIds.length < 20);
  assertClose(await lossOf(packed), await lossOf(padded), 1e-5, "losses");
});
