/**
 * Seconds of one training step of a 6-layer BERT, beside eager PyTorch in the same run, in alternating
 * rounds. `node --import tsx bench/training-step.ts [--length 128] [--rows 16] [--rounds 5] [--threads 2]`
 */
import { parseArgs } from "node:util";
import { openOnnxruntimeDevice } from "../compute/devices/onnxruntime/onnxruntime.ts";
import { startOf, trainSteps } from "./bert-steps.ts";
import { findPython } from "./find-python.ts";
import { startTorch } from "./torch-steps.ts";

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

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
const show = (seconds: number) => `${seconds.toFixed(3)} s`;

const python = findPython();
const peer = python && (await startTorch(python, "small", { rows, length, threads }));
const device = await openOnnxruntimeDevice({ threads });
const ours: number[] = [];
const theirs: number[] = [];
const start = startOf("small");

for (let at = 0; at <= rounds; at++) {
  const [here, there] = [
    await trainSteps(start, device, { rows, length, steps: stepsPerRound }),
    peer && (await peer(stepsPerRound)),
  ];
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
