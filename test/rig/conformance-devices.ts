import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device, TensorData } from "../../compute/device.ts";
import { DeviceError } from "../../compute/device-error.ts";
import { openCudaDevice } from "../../compute/devices/cuda/cuda.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { openTfjsDevice } from "../../compute/devices/tfjs/tfjs.ts";
import { assertClose } from "./assert-close.ts";
import { openOrtCpu } from "./ort-cpu-device.ts";
import { roundingDevice } from "./rounding-device.ts";
import { openTestWebgpu } from "./software-adapter.ts";

/** A device that must compute what the processor computes. */
export interface ConformanceDevice {
  readonly name: string;
  /** Where the machine lacks it: a DeviceError, whose hint says how to get it. */
  open(): Promise<Device>;
}

async function openWithThreads(): Promise<Device> {
  return roundingDevice(await openOnnxruntimeDevice({ threads: 3, spinning: false }));
}

/** TensorFlow's package for CUDA computes without a graphics device, too: then all but the device itself is tested. */
const orProcessor = process.env.TUNESMITH_TEST_TFJS_GPU === "1";

/** Every device. One that is not there is a skipped test, named with how to get it. */
export const conformanceDevices: readonly ConformanceDevice[] = [
  { name: "cpu, 3 threads", open: openWithThreads },
  { name: "cpu, as cuda is reached", open: openOrtCpu },
  { name: "tfjs-cpu", open: () => openTfjsDevice("tfjs-cpu") },
  { name: "tfjs-wasm", open: () => openTfjsDevice("tfjs-wasm") },
  { name: "tfjs-node", open: () => openTfjsDevice("tfjs-node") },
  { name: "tfjs-node-gpu", open: () => openTfjsDevice("tfjs-node-gpu", { orProcessor }) },
  { name: "webgpu", open: openTestWebgpu },
  { name: "cuda", open: openCudaDevice },
];

/** What the others are compared with. */
export const reference = await openOnnxruntimeDevice({ threads: 1, spinning: false });

/** How far elements may be from the reference's: by so much · (1 + their size). */
export const TOLERANCE = 1e-4;

/** Declares the tests of each device that is there; a skipped one for each that is not. */
export async function forEachDevice(declare: (name: string, device: Device) => void) {
  const found = new Map<string, Device | DeviceError>();
  for (const { name, open } of conformanceDevices) found.set(name, await openOrMiss(open));
  const absent: string[] = [];
  for (const [name, device] of found) {
    if (!(device instanceof DeviceError)) {
      declare(name, device);
      continue;
    }
    absent.push(name);
    test(name, { skip: `${device.message} Hint: ${device.hint}` }, () => {});
  }
  test("devices that were not there", (t) => {
    const list = absent.length === 0 ? "" : `: ${absent.join(", ")}`;
    t.diagnostic(`${absent.length} of ${conformanceDevices.length} devices skipped${list}`);
  });
}

async function openOrMiss(open: ConformanceDevice["open"]): Promise<Device | DeviceError> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof DeviceError && error.code === "device-missing") return error;
    throw error;
  }
}

/** Fails where an output is missing, of another type or shape, or further away than TOLERANCE. */
export function assertConforms(
  made: Readonly<Record<string, TensorData>>,
  expected: Readonly<Record<string, TensorData>>,
): void {
  const describe = (tensors: Readonly<Record<string, TensorData>>) =>
    Object.entries(tensors).map(([name, { dtype, shape }]) => `${name}: ${dtype} [${shape}]`);
  assert.deepEqual(describe(made), describe(expected));
  for (const [name, { data }] of Object.entries(expected))
    assertClose(made[name]!.data, data, TOLERANCE, name);
}
