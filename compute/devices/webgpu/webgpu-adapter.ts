import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DeviceError } from "../../device-error.ts";
import { adapterOf, type WebgpuAdapter } from "./adapter-of.ts";
import {
  type ChosenAdapter,
  chooseAdapter,
  type ProbedAdapter,
  type VulkanEnvironment,
} from "./choose-adapter.ts";
import { refusedDriver } from "./refused-driver.ts";
import type { VulkanDevice } from "./vulkan-devices.ts";

/** A driver that compiles shaders for the first time may take long. */
const MILLISECONDS = 60_000;

/** The adapter that WebGPU takes, which has computed something in a process of its own. Throws DeviceError where there is none. */
export function findWebgpuAdapter(): WebgpuAdapter {
  return probe({}).adapter;
}

/** The adapter with this number in Vulkan's list, which has computed something, too. Throws DeviceError where it cannot be had. */
export function findAdapterNumbered(number: number): ChosenAdapter {
  return chooseAdapter(number, probe);
}

/** Whether this machine shows any sign of a graphics device: cheap, and never wrong when it says no. */
export function mayHaveAdapter(): boolean {
  if (process.platform !== "linux") return true;
  const nodes = existsSync("/dev/dri") ? readdirSync("/dev/dri") : [];
  const others = ["/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kgsl-3d0"];
  return nodes.some((name) => name.startsWith("render")) || others.some((path) => existsSync(path));
}

/** By environment: what a process finds, it finds again. */
const found = new Map<string, ProbedAdapter | DeviceError>();

function probe(environment: VulkanEnvironment): ProbedAdapter {
  const key = JSON.stringify(environment);
  const outcome = found.get(key) ?? probeOnce(environment);
  found.set(key, outcome);
  if (outcome instanceof DeviceError) throw outcome;
  return outcome;
}

function probeOnce(environment: VulkanEnvironment): ProbedAdapter | DeviceError {
  const module = fileURLToPath(import.meta.url).replace(
    /webgpu-adapter(\.[jt]s)$/,
    "webgpu-probe$1",
  );
  const folder = mkdtempSync(join(tmpdir(), "tunesmith-adapter-"));
  try {
    return outcomeOf(module, join(folder, "loader.log"), environment);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Printed {
  readonly devices?: readonly VulkanDevice[];
  readonly problem?: { readonly message: string; readonly hint: string };
}

/** The loader's words go to a file: to a socket that nobody reads at once, some of them are lost. */
function outcomeOf(
  module: string,
  log: string,
  environment: VulkanEnvironment,
): ProbedAdapter | DeviceError {
  const words = openSync(log, "w");
  const { stdout, status, signal } = spawnSync(process.execPath, [...process.execArgv, module], {
    encoding: "utf8",
    timeout: MILLISECONDS,
    stdio: ["ignore", "pipe", words],
    env: { ...process.env, ...environment },
  });
  closeSync(words);
  const last = stdout?.trimEnd().split("\n").at(-1) ?? "";
  if (status !== 0 || !last.startsWith("{"))
    return new DeviceError(
      "device-missing",
      `The WebGPU adapter does not work: its driver ended the process (${signal ?? `exit code ${status}`}).`,
      "update its driver, or run with --device cpu",
    );
  const { devices = [], problem } = JSON.parse(last) as Printed;
  const report = { loaderLog: readFileSync(log, "utf8"), devices };
  if (problem !== undefined)
    return (
      refusedDriver(report) ?? new DeviceError("device-missing", problem.message, problem.hint)
    );
  const { platform } = process;
  return { ...report, adapter: adapterOf(report, { platform, processor: cpus()[0]?.model }) };
}
