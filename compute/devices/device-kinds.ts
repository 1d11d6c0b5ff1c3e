import type { Device } from "../device.ts";
import { installedVersion } from "./installed-version.ts";
import { type TfjsKind, tfjsPackages, tfjsRuntimeName } from "./tfjs-runtime.ts";

/** What a device of a kind is opened with. */
export interface DeviceOptions {
  /** Threads that one operation may use. */
  readonly threads: number;
}

/** A kind of device, as `--device` names it. */
export interface DeviceKind {
  /** What runs its graphs, with its version. Loads nothing; throws DeviceError where a package is missing. */
  runtime(): string;
  /** Loads what it needs. Throws DeviceError where that is missing, or does not work. */
  open(options: DeviceOptions): Promise<Device>;
}

const tfjs = (kind: TfjsKind): DeviceKind => ({
  runtime: () => tfjsRuntimeName(kind),
  open: async () => (await import("./tfjs.ts")).openTfjsDevice(kind),
});

/** Every kind of device. */
export const deviceKinds: Readonly<Record<string, DeviceKind>> = {
  cpu: {
    runtime: () => `onnxruntime ${installedVersion("onnxruntime-node")}`,
    open: async (options) => (await import("./onnxruntime.ts")).openOnnxruntimeDevice(options),
  },
  webgpu: {
    runtime: () => `onnxruntime ${installedVersion("onnxruntime-node")}`,
    open: async () => (await import("./webgpu.ts")).openWebgpuDevice(),
  },
  ...Object.fromEntries(
    Object.keys(tfjsPackages).map((kind) => [kind, tfjs(kind as TfjsKind)] as const),
  ),
};
