import { createRequire } from "node:module";
import { DeviceError } from "../device-error.ts";
import { installedVersion } from "./installed-version.ts";
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
    hint: "npm install @tensorflow/tfjs-node-gpu@4.22, which fetches libtensorflow; it needs CUDA 11 and cuDNN 8 (Linux or Windows, x64)",
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

/** TensorFlow.js with this backend ready. Throws DeviceError where that cannot be. */
export async function openTfjsRuntime(
  kind: TfjsKind,
): Promise<{ readonly tf: TensorFlow; readonly backend: string; readonly runtime: string }> {
  const runtime = tfjsRuntimeName(kind);
  const { packages, backend } = tfjsPackages[kind];
  try {
    const require = createRequire(import.meta.url); // they are CommonJS, all of them
    const [tf] = packages.map((name) => require(name)) as [TensorFlow];
    tf.enableProdMode(); // else the cpu backend advertises tfjs-node
    await withBackend({ tf, backend }, () => {});
    return { tf, backend, runtime };
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
