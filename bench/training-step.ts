/**
 * Seconds of one training step of a 6-layer BERT, beside eager PyTorch in the same run, in alternating
 * rounds. `node --import tsx bench/training-step.ts [--length 128] [--rows 16] [--rounds 5] [--threads 2]`
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openOnnxruntimeDevice } from "../compute/devices/onnxruntime.ts";
import { hashAt, streamKey } from "../models/counter-hash.ts";
import { createModel } from "../models/pretrained.ts";
import { fineTune } from "../training/fine-tune.ts";
import type { TokenDataset } from "../training/token-dataset.ts";
import { findPython } from "./find-python.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "16" },
    length: { type: "string", default: "128" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
  },
});
const rows = Number(values.rows);
const length = Number(values.length);
const rounds = Number(values.rounds);
const threads = Number(values.threads);
const stepsPerRound = 3;
const labels = ["a", "b", "c"];
const config = {
  vocab_size: 30522,
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
};

/** Rows of one length, with random ids and labels. */
function randomDataset(count: number): TokenDataset {
  const key = streamKey(0, "bench");
  const ids = Uint16Array.from({ length: count * length }, (_, i) => 5 + (hashAt(key, i) % 30517));
  const offsets = Int32Array.from({ length: count + 1 }, (_, row) => row * length);
  const labelOf = (_: unknown, row: number) => hashAt(key, 2 ** 31 + row) % labels.length;
  return {
    ids,
    offsets,
    labels: Int32Array.from({ length: count }, labelOf),
    rowIds: Array.from({ length: count }, (_, row) => `${row}`),
  };
}

/** Starts PyTorch; the function it returns runs one round there. Undefined where it is not installed. */
async function startPeer(): Promise<(() => Promise<number[]>) | undefined> {
  const python = findPython();
  if (python === undefined) return undefined;
  const peer = spawn(python, [join(import.meta.dirname, "training_step.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface(peer.stdout)[Symbol.asyncIterator]();
  const settings = { config, labels: labels.length, rows, length, threads };
  peer.stdin.write(`${JSON.stringify(settings)}\n`);
  await answers.next();
  process.on("exit", () => peer.kill());
  return async () => {
    peer.stdin.write(`${stepsPerRound}\n`);
    return JSON.parse((await answers.next()).value);
  };
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
const show = (seconds: number) => `${seconds.toFixed(3)} s`;

const peer = await startPeer();
const device = await openOnnxruntimeDevice({ threads });
const ours: number[] = [];
const theirs: number[] = [];
const dataset = randomDataset(rows * stepsPerRound);
const start = createModel(
  { model_type: "bert", ...config },
  { task: "sequence-classification", labels, seed: 0 },
);

/** One round here: the seconds of each step but the first, which compiles. */
async function round(): Promise<number[]> {
  const seconds: number[] = [];
  let began = performance.now();
  await fineTune({
    start,
    dataset,
    device,
    arguments: {
      max_steps: stepsPerRound + 1,
      per_device_train_batch_size: rows,
      weight_decay: 0.01,
      logging_steps: 1,
    },
    onProgress() {
      seconds.push((performance.now() - began) / 1000);
      began = performance.now();
    },
  });
  return seconds.slice(1);
}

for (let at = 0; at <= rounds; at++) {
  const [here, there] = [await round(), await peer?.()];
  if (at === 0) continue; // warms both up
  ours.push(...here);
  if (there) theirs.push(...there);
}
console.log(
  `tunesmith      ${show(median(ours))} a step (${rows} x ${length}, ${threads} threads)`,
);
if (peer) {
  console.log(`PyTorch eager  ${show(median(theirs))} a step`);
  console.log(
    `ratio          ${(median(theirs) / median(ours)).toFixed(2)} times as fast as PyTorch`,
  );
} else console.log("PyTorch is not measured: bench/setup-python.sh installs it.");
process.exit(0);
