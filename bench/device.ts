/**
 * Tokens a second in training BERT on each device of this machine, beside eager PyTorch on the same device where it is
 * installed, and how busy the device was. Offline, with nothing but this folder and its node_modules.
 * `node --import tsx bench/device.ts [--model tiny|small|base] [--rows 16] [--length 128] [--steps 10] [--device cpu]…
 * [--mixed_precision no|fp16|bf16] [--limit 120]`: seconds that each may take. Each side runs in a process of its own.
 */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DeviceError } from "../compute/device-error.ts";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import { findWebgpuAdapter } from "../compute/devices/webgpu/webgpu-adapter.ts";
import { precisions } from "../training/training-arguments.ts";
import { type ConfigName, configs } from "./bert-steps.ts";
import { findPython } from "./find-python.ts";
import { measureSide, type Side } from "./measure-side.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "small" },
    rows: { type: "string", default: "16" },
    length: { type: "string", default: "128" },
    steps: { type: "string", default: "10" },
    device: { type: "string", multiple: true, default: ["cuda", "webgpu", "tfjs-node-gpu", "cpu"] },
    mixed_precision: { type: "string", default: "no" },
    limit: { type: "string", default: "120" },
    measure: { type: "string" },
  },
});
const model = oneOf(Object.keys(configs) as ConfigName[], "model", values.model);
const precision = oneOf(precisions, "mixed_precision", values.mixed_precision);
for (const kind of values.device) oneOf(Object.keys(deviceKinds), "device", kind);
const [rows, length, steps, limit] = [values.rows, values.length, values.steps, values.limit].map(
  Number,
) as [number, number, number, number];
const threads = availableParallelism();
const NAME_WIDTH = 40;

function oneOf<Name extends string>(names: readonly Name[], option: string, given: string): Name {
  const found = names.find((name) => name === given);
  if (found !== undefined) return found;
  console.error(`--${option} is one of ${names.join(", ")}.`);
  process.exit(2);
}

/** As PyTorch names the device that one of ours computes on. */
function torchNameOf(kind: string): string {
  if (kind === "webgpu") return findWebgpuAdapter().isSoftware ? "cpu" : "cuda";
  return ["cuda", "tfjs-node-gpu"].includes(kind) ? "cuda" : "cpu";
}

const python = findPython() ?? "python3";

function canImport(module: string): boolean {
  return spawnSync(python, ["-c", `import ${module}`]).status === 0;
}

/** Measures in a child, which a driver may end, or which may take too long: then one line says why. */
function inChild(side: string): Side | string {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--measure", side];
  const { stdout, status, signal, error } = spawnSync(
    process.execPath,
    [...process.execArgv, ...args],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 1 << 26,
      timeout: limit * 1000,
      killSignal: "SIGKILL",
    },
  );
  if (error !== undefined && "code" in error && error.code === "ETIMEDOUT")
    return `it took longer than ${limit} s (--limit)`;
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (status === 0 && /^["{]/.test(line)) return JSON.parse(line);
  return `its process was ended by ${signal ?? `exit code ${status}`}`;
}

function printSide(name: string, side: Side | string): void {
  const shown = name.padEnd(NAME_WIDTH);
  if (typeof side === "string") {
    console.log(`${shown}  not measured: ${side}`);
    return;
  }
  const { secondsAStep, processor, gpu } = side;
  const tokens = Math.round((rows * length) / secondsAStep);
  const gigaflops = (6 * weightsOfLayers(model) * rows * length) / secondsAStep / 1e9;
  const figures = [
    `${`${tokens}`.padStart(9)} tokens/s`,
    `${rounded(1000 * secondsAStep)} ms a step`,
    `${rounded(gigaflops)} GFLOP/s`,
    `processor ${Math.round(100 * processor)}% busy`,
    ...(gpu === undefined ? [] : [`GPU ${Math.round(100 * gpu)}% busy`]),
  ];
  console.log(`${shown}${figures.join(", ")}`);
}

/** To three digits, without an exponent. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
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
    return `${error.message} (${error.hint})`;
  }
}

const peers = new Map<string, Side | string>();

/** PyTorch on this device, measured once. */
function torchOn(device: string): Side | string {
  const found = peers.get(device) ?? inChild(`torch:${device}`);
  if (!peers.has(device)) printSide(`PyTorch${torchModel} (${device})`, found);
  peers.set(device, found);
  return found;
}

function printDevice(kind: string, hasTorch: boolean): void {
  const reason = whyNot(kind);
  const ours = reason ?? inChild(kind);
  const adapter = reason === undefined && deviceKinds[kind]!.adapter?.().facts.adapter;
  printSide(adapter ? `${kind} (${adapter})` : kind, ours);
  if (!hasTorch || typeof ours === "string") return;
  const theirs = torchOn(torchNameOf(kind));
  if (typeof theirs === "string") return;
  const ratio = rounded(theirs.secondsAStep / ours.secondsAStep);
  console.log(`${"".padEnd(NAME_WIDTH)}  ${kind}: ${ratio} times as fast as PyTorch`);
}

if (values.measure !== undefined) {
  const options = { model, rows, length, steps, precision, threads, python };
  console.log(JSON.stringify(await measureSide(values.measure, options)));
  process.exit(0);
}
const products = precision === "no" ? "float32" : `mixed precision ${precision}`;
console.log(`BERT ${model}, ${rows} x ${length} tokens, ${products}, median of ${steps} steps`);
const hasTorch = canImport("torch");
const torchModel = hasTorch && canImport("transformers") ? "" : "'s nn.TransformerEncoder";
if (!hasTorch) console.log("PyTorch is not measured: bench/setup-python.sh installs it.");
for (const kind of values.device) printDevice(kind, hasTorch);
