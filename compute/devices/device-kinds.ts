import type { Device } from "../device.ts";
import { findCuda } from "./find-cuda.ts";
import { installedVersion } from "./installed-version.ts";
import { nvidiaDriver } from "./nvidia-driver.ts";
import { type TfjsKind, tfjsPackages, tfjsRuntimeName } from "./tfjs-runtime.ts";
import { findWebgpuAdapter } from "./webgpu-adapter.ts";

/** What a device of a kind is opened with. */
export interface DeviceOptions {
  /** Threads that one operation may use. */
  readonly threads: number;
  /** Ids of the graphics devices that are lent; absent: the first one there is. */
  readonly gpus?: readonly string[];
}

/** A kind of device, as `--device` names it. */
export interface DeviceKind {
  /** What runs its graphs, with its version. Loads nothing; throws DeviceError where a package is missing. */
  runtime(): string;
  /** What it computes on, where bits depend on that and not on the processor. Loads nothing; throws DeviceError where it is not there. */
  adapter?(): Readonly<Record<string, string>>;
  /** Loads what it needs. Throws DeviceError where that is missing, or does not work. */
  open(options: DeviceOptions): Promise<Device>;
}

const tfjs = (kind: TfjsKind): DeviceKind => ({
  runtime: () => tfjsRuntimeName(kind),
  ...(kind === "tfjs-node-gpu" && { adapter: nvidiaAdapter }),
  open: async ({ gpus }) => (await import("./tfjs.ts")).openTfjsDevice(kind, { gpu: gpus?.[0] }),
});

/** All devices that the driver tells of; `unknown` where it tells of none, as under Windows. */
function nvidiaAdapter(): Readonly<Record<string, string>> {
  const driver = nvidiaDriver();
  if (driver === undefined) return { adapter: "unknown" };
  return { adapter: [...new Set(driver.gpus)].join(", "), driver: driver.version };
}

const onnxruntime = () => `onnxruntime ${installedVersion("onnxruntime-node")}`;

/** Every kind of device. */
export const deviceKinds: Readonly<Record<string, DeviceKind>> = {
  cpu: {
    runtime: onnxruntime,
    open: async (options) => (await import("./onnxruntime.ts")).openOnnxruntimeDevice(options),
  },
  webgpu: {
    runtime: onnxruntime,
    adapter() {
      const { name, driver } = findWebgpuAdapter();
      return { adapter: name, ...(driver && { driver }) };
    },
    open: async () => (await import("./webgpu.ts")).openWebgpuDevice(),
  },
  cuda: {
    runtime: onnxruntime,
    adapter() {
      const { gpus, driver } = findCuda();
      return { adapter: [...new Set(gpus)].join(", "), driver };
    },
    open: async ({ gpus }) => (await import("./cuda.ts")).openCudaDevice(gpus?.[0]),
  },
  ...Object.fromEntries(
    Object.keys(tfjsPackages).map((kind) => [kind, tfjs(kind as TfjsKind)] as const),
  ),
};
