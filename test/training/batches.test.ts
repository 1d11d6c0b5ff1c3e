import assert from "node:assert/strict";
import { test } from "node:test";
import {
  epochBatches,
  evaluationBatches,
  padBatch,
  trainingBatch,
} from "../../training/batches.ts";
import { paddedLength } from "../../training/padded-length.ts";
import { isEvaluatedAfter, plannedSteps, totalSteps } from "../../training/step-plan.ts";
import { labelCount, type TokenDataset } from "../../training/token-dataset.ts";
import { defaultArguments } from "../../training/training-arguments.ts";

/** Rows of these lengths; row i holds the id i + 1. */
function rowsOf(...lengths: number[]): TokenDataset {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets.at(-1)! + length);
  return {
    ids: Uint16Array.from(lengths.flatMap((length, row) => Array(length).fill(row + 1))),
    offsets: Int32Array.from(offsets),
    labels: Int32Array.from(lengths, (_, row) => row),
    rowIds: lengths.map((_, row) => `${row}`),
  };
}

const inOrder = {
  seed: 1,
  shuffle: false,
  group_by_length: false,
  per_device_train_batch_size: 2,
};

test("an epoch in the order of the rows; the last batch is smaller", () => {
  assert.deepEqual(epochBatches(rowsOf(1, 1, 1, 1, 1), 0, inOrder), [[0, 1], [2, 3], [4]]);
});

test("dataloader_drop_last leaves the smaller batch of each epoch out", () => {
  const given = {
    ...defaultArguments,
    ...inOrder,
    dataloader_drop_last: true,
    num_train_epochs: 2,
  };
  const dataset = rowsOf(1, 1, 1, 1, 1);
  assert.deepEqual(epochBatches(dataset, 0, given), [
    [0, 1],
    [2, 3],
  ]);
  const steps = [...plannedSteps(dataset, given)].map(({ epoch, endsEpoch }) => [epoch, endsEpoch]);
  assert.deepEqual(steps, [
    [0.5, false],
    [1, true],
    [1.5, false],
    [2, true],
  ]);
});

test("nothing is evaluated before eval_delay: epochs, or steps where these are counted", () => {
  const dataset = rowsOf(1, 1, 1, 1, 1);
  const evaluated = (given: object) => {
    const all = { ...defaultArguments, ...inOrder, ...given };
    const steps = [...plannedSteps(dataset, all)].map(({ step }) => step + 1);
    return steps.filter((step) => isEvaluatedAfter(step, dataset, all));
  };
  assert.deepEqual(evaluated({ eval_strategy: "epoch" }), [3, 6, 9]);
  assert.deepEqual(evaluated({ eval_strategy: "epoch", eval_delay: 1.5 }), [6, 9]);
  assert.deepEqual(evaluated({ eval_strategy: "steps", eval_steps: 2 }), [2, 4, 6, 8, 9]);
  assert.deepEqual(
    evaluated({ eval_strategy: "steps", eval_steps: 2, eval_delay: 4 }),
    [4, 6, 8, 9],
  );
  assert.deepEqual(evaluated({ eval_strategy: "steps", eval_steps: 2, eval_delay: 10 }), []);
});

test("shuffling depends on the seed and the epoch alone and loses no row", () => {
  const dataset = rowsOf(...Array(9).fill(1));
  const shuffled = (seed: number, epoch: number) =>
    epochBatches(dataset, epoch, { ...inOrder, shuffle: true, seed });
  assert.deepEqual(shuffled(1, 0), [[8, 3], [6, 7], [5, 1], [0, 4], [2]]);
  assert.deepEqual(shuffled(1, 0), shuffled(1, 0));
  assert.notDeepEqual(shuffled(1, 1), shuffled(1, 0));
  assert.notDeepEqual(shuffled(2, 0), shuffled(1, 0));
  const rows = shuffled(1, 3)
    .flat()
    .sort((a, b) => a - b);
  assert.deepEqual(rows, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("group_by_length puts rows of similar length together, longest first", () => {
  const dataset = rowsOf(3, 9, 1, 9, 2);
  const grouped = epochBatches(dataset, 0, { ...inOrder, group_by_length: true });
  assert.deepEqual(grouped, [[1, 3], [0, 4], [2]]);
  assert.deepEqual(evaluationBatches(dataset, 2), [[1, 3], [0, 4], [2]]);
});

test("lengths are padded to few sizes", () => {
  const padded = [1, 8, 9, 63, 64, 65, 127, 129, 250, 500].map((n) => paddedLength(n, 512));
  assert.deepEqual(padded, [8, 8, 16, 64, 64, 72, 128, 144, 256, 512]);
  assert.equal(paddedLength(13, 14), 14);
  const all = new Set(Array.from({ length: 512 }, (_, i) => paddedLength(i + 1, 512)));
  assert.equal(all.size, 32);
});

test("a padded batch", () => {
  const dataset = { ...rowsOf(2, 3), typeIds: Uint8Array.of(0, 1, 0, 0, 1) };
  const batch = padBatch(dataset, [1, 0], { rows: 3, maxLength: 4, padTokenId: 9 });
  assert.deepEqual(batch, {
    rows: 3,
    length: 4,
    inputIds: Int32Array.of(2, 2, 2, 9, 1, 1, 9, 9, 9, 9, 9, 9),
    attentionMask: Int32Array.of(1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0),
    tokenTypeIds: Int32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0),
    labels: {
      shape: [3],
      data: { labels: Int32Array.of(1, 0, 0) },
      given: Float32Array.of(1, 1, 0),
    },
    rowNumbers: [1, 0],
    tokens: 5,
  });
});

test("labels of tokens: none where there is padding or no label", () => {
  const labels = Int32Array.of(7, -1, -1, 0, 8);
  const dataset: TokenDataset = { ...rowsOf(2, 3), labels, labelsOf: "tokens" };
  const batch = padBatch(dataset, [1, 0], { rows: 3, maxLength: 4, padTokenId: 9 });
  assert.deepEqual(batch.labels, {
    shape: [3, 4],
    data: { labels: Int32Array.of(0, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0) },
    given: Float32Array.of(0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0),
  });
  assert.deepEqual([labelCount(dataset, [0, 1]), labelCount(dataset, [1])], [3, 2]);
});

test("an answer has two labels a row, a row of numbers one for each logit", () => {
  const sizes = { rows: 3, maxLength: 4, padTokenId: 9 };
  const labels = Int32Array.of(0, 1, 1, 2);
  const answers: TokenDataset = { ...rowsOf(2, 3), labels, labelsOf: "answers" };
  assert.deepEqual(padBatch(answers, [1, 0], sizes).labels, {
    shape: [3],
    data: { start_positions: Int32Array.of(1, 0, 0), end_positions: Int32Array.of(2, 1, 0) },
    given: Float32Array.of(1, 1, 0),
  });
  const targets = Float32Array.of(1.5, -2, 0, 1);
  const numbers: TokenDataset = { ...rowsOf(2, 3), labels: new Int32Array(0), targets };
  assert.deepEqual(padBatch(numbers, [1, 0], sizes).labels, {
    shape: [3, 2],
    data: { labels: Float32Array.of(0, 1, 1.5, -2, 0, 0) },
    given: Float32Array.of(1, 1, 1, 1, 0, 0),
  });
  assert.deepEqual([labelCount(answers, [0, 1]), labelCount(numbers, [0, 1])], [2, 4]);
});

test("steps are planned as Trainer does, the last of an epoch with the batches that are left", () => {
  const dataset = rowsOf(1, 1, 1, 1, 1);
  const plan = (given: object) =>
    [...plannedSteps(dataset, { ...defaultArguments, ...inOrder, ...given })].map(
      ({ step, epoch, batches, endsEpoch }) => [step, epoch, batches, endsEpoch],
    );
  assert.deepEqual(plan({ num_train_epochs: 1.5, gradient_accumulation_steps: 2 }), [
    [
      0,
      0.5,
      [
        [0, 1],
        [2, 3],
      ],
      false,
    ],
    [1, 1, [[4]], true],
    [
      2,
      1.5,
      [
        [0, 1],
        [2, 3],
      ],
      true,
    ],
  ]);
  assert.deepEqual(plan({ max_steps: 2 }), [
    [0, 1 / 3, [[0, 1]], false],
    [1, 2 / 3, [[2, 3]], true],
  ]);
  assert.equal(totalSteps(dataset, { ...defaultArguments, ...inOrder }), 9);
});

test("balanced sampling draws each label equally often, from the seed and the epoch alone", () => {
  const rows = 4000;
  const labels = Int32Array.from({ length: rows }, (_, row) =>
    row % 10 === 0 ? 1 : row % 100 === 1 ? 2 : 0,
  );
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => row);
  const many = { ids: new Uint16Array(rows), offsets, labels, rowIds: Array.from(labels, String) };
  const options = { ...defaultArguments, balanced_sampling: true };
  const order = epochBatches(many, 0, options).flat();
  assert.equal(order.length, rows);
  const counts = [0, 0, 0];
  for (const row of order) counts[labels[row]!]! += 1;
  for (const count of counts) assert.ok(Math.abs(count - rows / 3) < 100, `${counts}`);
  assert.deepEqual(epochBatches(many, 0, options).flat(), order);
  assert.notDeepEqual(epochBatches(many, 1, options).flat(), order);
});

test("targets are padded on their own; the decoder reads each from behind the start token", () => {
  const dataset: TokenDataset = {
    ...rowsOf(2, 3),
    labels: Int32Array.of(5, 6, 7, 8, 9, 4),
    labelsOf: "sequences",
    labelOffsets: Uint32Array.of(0, 2, 6),
  };
  const padding = { rows: 3, maxLength: 4, padTokenId: 0, decoderStartTokenId: 1 };
  const batch = padBatch(dataset, [1, 0], padding);
  const { sizes, tensors } = trainingBatch(batch, 0.5);
  assert.deepEqual(sizes, { rows: 3, length: 4, targetLength: 4 });
  assert.equal(batch.tokens, 11);
  const read = (name: string) => [...(tensors.get(name)!.data as Int32Array)];
  assert.deepEqual(read("decoder_input_ids"), [1, 7, 8, 9, 1, 5, 0, 0, 1, 0, 0, 0]);
  assert.deepEqual(read("labels"), [7, 8, 9, 4, 5, 6, 0, 0, 0, 0, 0, 0]);
  const weights = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0];
  assert.deepEqual(read("label_weights"), weights);
});
