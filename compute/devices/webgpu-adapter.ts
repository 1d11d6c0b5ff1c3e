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
import { arch, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DeviceError } from "../device-error.ts";

/** What computes under WebGPU on this machine. */
export interface WebgpuAdapter {
  /** As its driver calls it; `unknown` where nobody tells. */
  readonly name: string;
  /** The file of the Vulkan driver, on Linux. */
  readonly driver?: string;
  /** Whether the processor does its work: it is then only taken when it is asked for by name. */
  readonly isSoftware: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;
/** A driver that compiles shaders for the first time may take long. */
const MILLISECONDS = 60_000;

/** The adapter that WebGPU finds, which has computed something in a process of its own. Throws DeviceError where there is none. */
export function findWebgpuAdapter(): WebgpuAdapter {
  found ??= probe();
  if (found instanceof DeviceError) throw found;
  return found;
}

let found: WebgpuAdapter | DeviceError | undefined;

/** Whether this machine shows any sign of a graphics device: cheap, and never wrong when it says no. */
export function mayHaveAdapter(): boolean {
  if (process.platform !== "linux") return true;
  const nodes = existsSync("/dev/dri") ? readdirSync("/dev/dri") : [];
  const others = ["/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kgsl-3d0"];
  return nodes.some((name) => name.startsWith("render")) || others.some((path) => existsSync(path));
}

function probe(): WebgpuAdapter | DeviceError {
  const module = fileURLToPath(import.meta.url).replace(
    /webgpu-adapter(\.[jt]s)$/,
    "webgpu-probe$1",
  );
  const folder = mkdtempSync(join(tmpdir(), "tunesmith-adapter-"));
  try {
    return outcomeOf(module, join(folder, "loader.log"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The loader's words go to a file: to a socket that nobody reads at once, some of them are lost. */
function outcomeOf(module: string, log: string): WebgpuAdapter | DeviceError {
  const words = openSync(log, "w");
  const { stdout, status, signal } = spawnSync(process.execPath, [...process.execArgv, module], {
    encoding: "utf8",
    timeout: MILLISECONDS,
    stdio: ["ignore", "pipe", words],
  });
  closeSync(words);
  const last = stdout?.trimEnd().split("\n").at(-1) ?? "";
  if (status !== 0 || !last.startsWith("{"))
    return new DeviceError(
      "device-missing",
      `The WebGPU adapter does not work: its driver ended the process (${signal ?? `exit code ${status}`}).`,
      "update its driver, or run with --device cpu",
    );
  const { problem } = JSON.parse(last) as { problem?: { message: string; hint: string } };
  if (problem !== undefined)
    return new DeviceError("device-missing", problem.message, problem.hint);
  return adapterOf(readFileSync(log, "utf8"));
}

/** What Vulkan's loader says of the device that was opened; elsewhere what the system tells. */
export function adapterOf(loaderLog: string): WebgpuAdapter {
  const used = [...loaderLog.matchAll(/Using "([^"]+)" with driver: "([^"]+)"/g)].at(-1);
  const listed = [...loaderLog.matchAll(/\[0\] (.+?)\s*$/gm)].at(-1);
  const own = process.platform === "darwin" && arch() === "arm64" ? cpus()[0]?.model : undefined;
  const name = used?.[1] ?? listed?.[1] ?? own;
  const driver = used?.[2]?.split("/").at(-1);
  // Where Vulkan's loader does not tell, nothing is taken that nobody asked for.
  const isSoftware = name === undefined ? process.platform === "linux" : SOFTWARE.test(name);
  return { name: name ?? "unknown", ...(driver && { driver }), isSoftware };
}
