import type { Device } from "../device.ts";
import { DeviceError } from "../device-error.ts";
import { findCuda } from "./cuda/find-cuda.ts";
import { nvidiaDriver } from "./cuda/nvidia-driver.ts";
import { installedVersion } from "./installed-version.ts";
import { type TfjsKind, tfjsPackages, tfjsRuntimeName } from "./tfjs/tfjs-runtime.ts";
import type { WebgpuAdapter } from "./webgpu/adapter-of.ts";
import type { VulkanEnvironment } from "./webgpu/choose-adapter.ts";
import { findAdapterNumbered, findWebgpuAdapter } from "./webgpu/webgpu-adapter.ts";

/** What a device of a kind is opened with. */
export interface DeviceOptions {
  /** Threads that one operation may use. */
  readonly threads: number;
  /** Ids of the graphics devices that are lent; absent: the first one there is. */
  readonly gpus?: readonly string[];
  /** Bytes of the largest tensor that the device takes; absent: nobody knows. */
  readonly largestTensor?: number;
  /** Variables by which Vulkan gives the adapter that was chosen. */
  readonly environment?: VulkanEnvironment;
}

/** What a device computes on. */
export interface DeviceAdapter {
  /** For lockfiles: what may change bits or make a run impossible. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** What a device on it is opened with. */
  readonly options?: Pick<DeviceOptions, "largestTensor" | "environment">;
}

/** A kind of device, as `--device` names it. */
export interface DeviceKind {
  /** What runs its graphs, with its version. Loads nothing; throws DeviceError where a package is missing. */
  runtime(): string;
  /** What it computes on, where bits depend on that and not on the processor. Loads nothing; throws DeviceError where it is not there. */
  adapter?(): DeviceAdapter;
  /** The same of the one with this number in the driver's list, where one can be chosen. */
  adapterNumbered?(number: number): DeviceAdapter;
  /** Loads what it needs. Throws DeviceError where that is missing, or does not work. */
  open(options: DeviceOptions): Promise<Device>;
}

const tfjs = (kind: TfjsKind): DeviceKind => ({
  runtime: () => tfjsRuntimeName(kind),
  ...(kind === "tfjs-node-gpu" && { adapter: nvidiaAdapter }),
  open: async ({ gpus }) =>
    (await import("./tfjs/tfjs.ts")).openTfjsDevice(kind, { gpu: gpus?.[0] }),
});

/** All devices that the driver tells of, since nobody tells which of them TensorFlow takes. */
function nvidiaAdapter(): DeviceAdapter {
  const driver = nvidiaDriver();
  if (driver === undefined)
    throw new DeviceError(
      "device-missing",
      "There is no driver of NVIDIA's, and TensorFlow would compute on the processor.",
      "install it, or use --device webgpu for another GPU",
    );
  return { facts: { adapter: [...new Set(driver.gpus)].join(", "), driver: driver.version } };
}

function webgpuAdapter(
  { name, driver, limits }: WebgpuAdapter,
  environment?: VulkanEnvironment,
): DeviceAdapter {
  const { hasFloat16: float16, largestBuffer } = limits ?? {};
  return {
    facts: {
      adapter: name,
      ...(driver !== undefined && { driver }),
      ...(float16 !== undefined && { float16 }),
      ...(largestBuffer !== undefined && { largest_buffer: largestBuffer }),
    },
    options: {
      ...(largestBuffer !== undefined && { largestTensor: largestBuffer }),
      ...(environment && { environment }),
    },
  };
}

const onnxruntime = () => `onnxruntime ${installedVersion("onnxruntime-node")}`;

/** Every kind of device. */
export const deviceKinds: Readonly<Record<string, DeviceKind>> = {
  cpu: {
    runtime: onnxruntime,
    open: async (options) =>
      (await import("./onnxruntime/onnxruntime.ts")).openOnnxruntimeDevice(options),
  },
  webgpu: {
    runtime: onnxruntime,
    adapter: () => webgpuAdapter(findWebgpuAdapter()),
    adapterNumbered(number) {
      const { adapter, environment } = findAdapterNumbered(number);
      return webgpuAdapter(adapter, environment);
    },
    open: async (options) => (await import("./webgpu/webgpu.ts")).openWebgpuDevice(options),
  },
  cuda: {
    runtime: onnxruntime,
    adapter() {
      const { gpus, driver } = findCuda();
      return { facts: { adapter: [...new Set(gpus)].join(", "), driver } };
    },
    open: async ({ gpus }) => (await import("./cuda/cuda.ts")).openCudaDevice(gpus?.[0]),
  },
  ...Object.fromEntries(
    Object.keys(tfjsPackages).map((kind) => [kind, tfjs(kind as TfjsKind)] as const),
  ),
};
