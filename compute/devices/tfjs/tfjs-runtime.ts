import { createRequire } from "node:module";
import { DeviceError } from "../../device-error.ts";
import { installedVersion } from "../installed-version.ts";
import type { TensorFlow } from "./tfjs-operations.ts";
import { withBackend } from "./tfjs-turn.ts";

interface TfjsPackages {
  /** The first exports TensorFlow.js; the last brings the backend, and its version counts. */
  readonly packages: readonly [string, ...string[]];
  /** The backend's name in TensorFlow.js. */
  readonly backend: string;
  readonly hint: string;
}

const small = (name: string, backend: string): TfjsPackages => ({
  packages: ["@tensorflow/tfjs-core", `@tensorflow/tfjs-backend-${name}`],
  backend,
  hint: `npm install @tensorflow/tfjs-core@4.22 @tensorflow/tfjs-backend-${name}@4.22`,
});

/** TensorFlow.js' backends for Node by the name of the device. */
export const tfjsPackages = {
  "tfjs-cpu": small("cpu", "cpu"),
  "tfjs-wasm": small("wasm", "wasm"),
  "tfjs-node": {
    packages: ["@tensorflow/tfjs-node"],
    backend: "tensorflow",
    hint: "npm install @tensorflow/tfjs-node@4.22, which fetches libtensorflow",
  },
  "tfjs-node-gpu": {
    packages: ["@tensorflow/tfjs-node-gpu"],
    backend: "tensorflow",
    hint: "npm install @tensorflow/tfjs-node-gpu@4.22, which fetches libtensorflow; it needs CUDA 11 and cuDNN 8 (Linux or Windows, x64); for newer GPUs see docs/devices.md",
  },
} satisfies Readonly<Record<string, TfjsPackages>>;

export type TfjsKind = keyof typeof tfjsPackages;

/** Node 23 took away functions that tfjs-node 4.22 calls. */
const NEWEST_NODE_OF_TFJS_NODE = 22;

/**
 * What runs a device's graphs, with its version: `tfjs-backend-wasm 4.22.0`. Reads package.json only.
 * Throws DeviceError where a package is not installed, or does not work with this Node.
 */
export function tfjsRuntimeName(kind: TfjsKind, nodeVersion = process.versions.node): string {
  const { packages, hint } = tfjsPackages[kind];
  const major = Number(nodeVersion.split(".")[0]);
  if (kind.startsWith("tfjs-node") && major > NEWEST_NODE_OF_TFJS_NODE)
    throw new DeviceError(
      "device-missing",
      `${packages[0]} 4.22 does not work on Node ${nodeVersion}.`,
      `run with Node ${NEWEST_NODE_OF_TFJS_NODE}`,
    );
  const versions = packages.map((name) => versionOf(name, hint));
  return `${packages.at(-1)!.replace("@tensorflow/", "")} ${versions.at(-1)}`;
}

/** How TensorFlow is started, the first time in a process. */
export interface TfjsOptions {
  /** Id of the graphics device that is lent; absent: TensorFlow chooses among all it sees. */
  readonly gpu?: string | undefined;
  /** Whether tfjs-node-gpu may compute on the processor: for tests of all but the graphics device. */
  readonly orProcessor?: boolean;
}

/**
 * TensorFlow.js with this backend ready. Throws DeviceError where that cannot be, and where tfjs-node-gpu would compute
 * on the processor, as it does in silence.
 */
export async function openTfjsRuntime(
  kind: TfjsKind,
  { gpu, orProcessor = false }: TfjsOptions = {},
): Promise<{ readonly tf: TensorFlow; readonly backend: string; readonly runtime: string }> {
  const runtime = tfjsRuntimeName(kind);
  if (kind === "tfjs-node-gpu") prepareCuda(gpu);
  const { usesGpu, ...loaded } = await loadTensorFlow(kind);
  if (kind !== "tfjs-node-gpu" || usesGpu || orProcessor) return { ...loaded, runtime };
  throw new DeviceError(
    "device-missing",
    "TensorFlow found no NVIDIA device that it can use, and would compute on the processor.",
    "what it printed says what is missing: NVIDIA's driver, or a library of CUDA or cuDNN, in the versions of its own libtensorflow; or use --device webgpu, which needs only the driver",
  );
}

/** What TensorFlow and CUDA's libraries read once, when they are loaded. */
function prepareCuda(gpu: string | undefined): void {
  if (gpu !== undefined) process.env.CUDA_VISIBLE_DEVICES = gpu;
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true"; // else it takes all of the device's memory at once
  process.env.NVIDIA_TF32_OVERRIDE ??= "0"; // float32 is to be float32, as on other devices
}

async function loadTensorFlow(
  kind: TfjsKind,
): Promise<{ tf: TensorFlow; backend: string; usesGpu: boolean }> {
  const { packages, backend } = tfjsPackages[kind];
  try {
    const require = createRequire(import.meta.url); // they are CommonJS, all of them
    const [tf] = packages.map((name) => require(name)) as [TensorFlow];
    tf.enableProdMode(); // else the cpu backend advertises tfjs-node
    const started = await withBackend({ tf, backend }, () => tf.backend());
    const { isUsingGpuDevice } = started as { isUsingGpuDevice?: boolean };
    return { tf, backend, usesGpu: isUsingGpuDevice === true };
  } catch (cause) {
    const [reason] = (cause as Error).message.split("\n");
    throw new DeviceError(
      "device-missing",
      `${packages.at(-1)} could not be loaded: ${reason}`,
      `npm rebuild ${packages.at(-1)} --build-addon-from-source, or install it anew`,
      cause,
    );
  }
}

function versionOf(name: string, hint: string): string {
  const version = installedVersion(name);
  if (version !== undefined) return version;
  throw new DeviceError("device-missing", `${name} is not installed.`, hint);
}
