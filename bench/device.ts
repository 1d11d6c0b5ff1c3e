/**
 * Tokens a second in training BERT on each device of this machine, beside eager PyTorch on the same device where it is
 * installed, and how busy the device was. Offline, with nothing but this folder and its node_modules.
 * `node --import tsx bench/device.ts [--model small|base] [--rows 16] [--length 128] [--steps 10] [--device cpu]…`
 */
import { spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DeviceError } from "../compute/device-error.ts";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import { type ConfigName, configs, startOf, trainSteps } from "./bert-steps.ts";
import { findPython } from "./find-python.ts";
import { medianOf } from "./measurement.ts";
import { startTorch } from "./torch-steps.ts";
import { watchGpu } from "./watch-gpu.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "small" },
    rows: { type: "string", default: "16" },
    length: { type: "string", default: "128" },
    steps: { type: "string", default: "10" },
    device: { type: "string", multiple: true, default: ["cuda", "webgpu", "tfjs-node-gpu", "cpu"] },
    measure: { type: "string" },
  },
});
if (!(values.model in configs)) throw new Error(`--model is one of ${Object.keys(configs)}.`);
const model = values.model as ConfigName;
const [rows, length, steps] = [values.rows, values.length, values.steps].map(Number) as [
  number,
  number,
  number,
];
const threads = availableParallelism();
/** As PyTorch names the device that one of ours computes on. */
const torchNames: Readonly<Record<string, string>> = {
  cpu: "cpu",
  webgpu: "cuda",
  cuda: "cuda",
  "tfjs-node-gpu": "cuda",
};

/** What one side needed, in a process of its own. */
interface Side {
  readonly secondsAStep: number;
  /** Of all the machine's cores, 1 is all of their time. */
  readonly processor: number;
  /** Of the graphics device, as its driver tells; undefined where there is none. */
  readonly gpu: number | undefined;
}

async function measure(run: () => Promise<number[]>): Promise<Side> {
  const [gpu, before] = [watchGpu(), coreTimes()];
  const seconds = await run();
  const after = coreTimes();
  return {
    secondsAStep: medianOf(seconds),
    processor: (after.busy - before.busy) / (after.all - before.all),
    gpu: await gpu.stop(),
  };
}

/** Milliseconds of all cores since the machine started. */
function coreTimes(): { readonly busy: number; readonly all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const sum = Object.values(times).reduce((a, b) => a + b);
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}

/** The child's part: `--measure cpu` or `--measure torch:cuda`; prints one line of JSON. */
async function measureOne(side: string): Promise<Side | undefined> {
  const [kind, torchDevice] = side.split(":") as [string, string | undefined];
  if (kind !== "torch") {
    const start = startOf(model);
    const device = await deviceKinds[kind]!.open({ threads });
    return measure(() => trainSteps(start, device, { rows, length, steps }));
  }
  const device = torchDevice!;
  const peer = await startTorch(pythonWithTorch()!, model, { rows, length, threads, device });
  if (peer === undefined) return undefined;
  await peer(2); // warms it up
  return measure(() => peer(steps));
}

function pythonWithTorch(): string | undefined {
  const python = findPython() ?? "python3";
  const imports = ["-c", "import torch, transformers"];
  return spawnSync(python, imports).status === 0 ? python : undefined;
}

/** Measures in a child, which a driver may end: that is told, and gives undefined. */
function inChild(side: string): Side | undefined {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--measure", side];
  const { stdout, status, signal } = spawnSync(process.execPath, [...process.execArgv, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 26,
  });
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (status === 0 && line.startsWith("{")) return JSON.parse(line) as Side;
  if (status !== 0) console.log(`${side}: ended by ${signal ?? `exit code ${status}`}`);
  return undefined;
}

function printSide(name: string, { secondsAStep, processor, gpu }: Side): void {
  const tokens = Math.round((rows * length) / secondsAStep);
  const busy = gpu === undefined ? "" : `, GPU ${Math.round(100 * gpu)}% busy`;
  const gigaflops = (6 * weightsOfLayers(model) * rows * length) / secondsAStep / 1e9;
  console.log(
    `${name.padEnd(24)}${String(tokens).padStart(9)} tokens/s  ${(1000 * secondsAStep).toFixed(0)} ms a step, ${gigaflops.toFixed(0)} GFLOP/s, processor ${Math.round(100 * processor)}% busy${busy}`,
  );
}

/** Each is multiplied and added twice in the backward pass and once in the forward one. */
function weightsOfLayers(name: ConfigName): number {
  const { hidden_size: width, intermediate_size, num_hidden_layers } = configs[name];
  return num_hidden_layers * (4 * width * width + 2 * width * intermediate_size);
}

function whyNot(kind: string): string | undefined {
  try {
    deviceKinds[kind]!.runtime();
    deviceKinds[kind]!.adapter?.();
    return undefined;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return `${error.message} ${error.hint}`;
  }
}

function printDevice(kind: string, hasTorch: boolean): void {
  const reason = whyNot(kind);
  const ours = reason === undefined ? inChild(kind) : undefined;
  if (reason !== undefined) console.log(`${kind.padEnd(24)}not measured: ${reason}`);
  if (ours === undefined) return;
  const adapter = deviceKinds[kind]!.adapter?.().facts.adapter;
  printSide(adapter === undefined ? kind : `${kind} (${adapter})`, ours);
  const torchName = torchNames[kind];
  const theirs = hasTorch && torchName ? inChild(`torch:${torchName}`) : undefined;
  if (theirs !== undefined) printSide(`PyTorch (${torchName})`, theirs);
  const ratio = theirs && (theirs.secondsAStep / ours.secondsAStep).toFixed(2);
  const compared =
    ratio === undefined ? "no PyTorch on this device" : `${ratio} times as fast as PyTorch`;
  console.log(`${"".padEnd(24)}${compared}`);
}

if (values.measure !== undefined) {
  console.log(JSON.stringify((await measureOne(values.measure)) ?? null));
  process.exit(0);
}
console.log(`BERT ${model}, ${rows} x ${length} tokens, float32, median of ${steps} steps`);
const hasTorch = pythonWithTorch() !== undefined;
for (const kind of values.device) printDevice(kind, hasTorch);
