import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { createModel } from "../../models/pretrained.ts";
import { fineTune } from "../../training/fine-tune.ts";
import { packRows } from "../../training/pack-rows.ts";
import type { TokenDataset } from "../../training/token-dataset.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";

const device = await openOnnxruntimeDevice({ threads: 1 });
const config = { ...markedConfig, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
const labels = ["even", "odd"];

/** Rows x parts of a step; 46 rows leave a second step of 14, whose last batch is partial, too. */
const cuts = [
  [32, 1],
  [8, 4],
  [16, 2],
  [1, 32],
] as const;

/** Each token but the first of a row is labelled with whether it is the marker. */
function tagged(rows: TokenDataset): TokenDataset {
  const tags = Int32Array.from(rows.ids, (id) => (id === 1 ? -1 : Number(id === 3)));
  return { ...rows, labels: tags, labelsOf: "tokens" };
}

/** Each token is labelled with the one after it; the last of a row has none. */
function nextTokens(rows: TokenDataset): TokenDataset {
  const ends = new Set([...rows.offsets].map((offset) => offset - 1));
  const labels = Int32Array.from(rows.ids, (_, at) => (ends.has(at) ? -1 : rows.ids[at + 1]!));
  return { ...rows, labels, labelsOf: "tokens" };
}

const gpt2 = {
  model_type: "gpt2",
  vocab_size: 20,
  n_embd: 16,
  n_layer: 1,
  n_head: 2,
  n_positions: 16,
  embd_pdrop: 0,
  attn_pdrop: 0,
  resid_pdrop: 0,
};

/** Each row is to become itself from its end to its beginning. */
function reversed(rows: TokenDataset): TokenDataset {
  const { ids, offsets } = rows;
  const targets = rows.rowIds.flatMap((_, row) => [
    ...ids.subarray(offsets[row], offsets[row + 1]).toReversed(),
  ]);
  const labelOffsets = Uint32Array.from(offsets);
  return { ...rows, labels: Int32Array.from(targets), labelsOf: "sequences", labelOffsets };
}

const t5 = {
  model_type: "t5",
  vocab_size: 20,
  d_model: 16,
  d_kv: 8,
  d_ff: 16,
  num_layers: 1,
  num_heads: 2,
  dropout_rate: 0,
};

const configs = { "causal-lm": gpt2, "sequence-to-sequence": t5 } as const;

const rows = markedRows(46, 1);
const cases = [
  ["sequence-classification", rows, {}],
  ["sequence-classification", rows, { class_weights: [0.3, 4], label_smoothing_factor: 0.1 }],
  ["sequence-classification", rows, { group_by_length: false, shuffle: false }],
  ["token-classification", tagged(rows), {}],
  ["token-classification", tagged(rows), { class_weights: [1, 9] }],
  ["causal-lm", nextTokens(rows), {}],
  ["causal-lm", nextTokens(rows), { label_smoothing_factor: 0.1 }],
  ["sequence-to-sequence", reversed(rows), {}],
  ["causal-lm", packRows(nextTokens(markedRows(90, 1)), 16), {}],
] as const;

for (const [task, dataset, more] of cases)
  test(`${task}${dataset.textStarts ? ", packed" : ""} ${JSON.stringify(more)}: loss and gradient do not depend on how a step is cut`, async () => {
    const start = createModel(
      { ...config, ...configs[task as keyof typeof configs] },
      { task, labels, seed: 1 },
    );
    const courses = [];
    for (const [size, parts] of cuts) {
      const { state } = await fineTune({
        start,
        dataset,
        device,
        arguments: {
          ...more,
          per_device_train_batch_size: size,
          gradient_accumulation_steps: parts,
          num_train_epochs: 2,
          learning_rate: 1e-4,
          logging_steps: 1,
        },
      });
      courses.push(state.log_history);
    }
    const [whole, ...others] = courses;
    assert.equal(whole!.length, 5);
    for (const [i, other] of others.entries())
      for (const [step, entry] of whole!.entries())
        for (const [name, value] of Object.entries(entry)) {
          const error = Math.abs(other[step]![name]! - value) / Math.max(1e-9, Math.abs(value));
          assert.ok(error < 1e-5, `${cuts[i + 1]}, step ${step + 1}, ${name}: off by ${error}`);
        }
  });

test("1, 2 and 4 threads give the same numbers, bit by bit", async () => {
  const start = createModel(markedConfig, { task: "sequence-classification", labels, seed: 1 });
  const states = [];
  for (const threads of [1, 2, 4])
    states.push(
      await fineTune({
        start,
        dataset: rows,
        device: await openOnnxruntimeDevice({ threads }),
        arguments: { max_steps: 6, logging_steps: 1, learning_rate: 1e-3 },
      }),
    );
  const [one, ...others] = states;
  for (const other of others) {
    assert.deepEqual(other.state, one!.state);
    assert.deepEqual(other.trained.parameters, one!.trained.parameters);
  }
});
