import { availableParallelism } from "node:os";
import { DeviceError } from "../compute/device-error.ts";
import { chooseDevice } from "../compute/devices/choose-device.ts";
import { type DeviceAdapter, deviceKinds } from "../compute/devices/device-kinds.ts";
import { instructionSet } from "../compute/devices/onnxruntime/instruction-set.ts";
import type { Problem } from "../engine/diagnostic.ts";
import { failure, type Result, success } from "../engine/result.ts";
import type { DeviceRequest, Json } from "../engine/stage.ts";

/** What the machine is, as far as results depend on it. */
export interface MachineFacts {
  readonly device: DeviceRequest;
  /** Enter the keys of stages that declare them: another device or runtime is another result. */
  readonly facts: Readonly<Record<string, Json>>;
  /** Recorded in the lockfile: within one class, bytes are equal. */
  readonly classes: Readonly<Record<string, Json>>;
}

const knownDevices = ["auto", ...Object.keys(deviceKinds)];

/** Up to here bits do not depend on the number of threads (compute/devices/onnxruntime/steady-products.ts); beyond, it is part of the class. */
const MOST_EQUAL_THREADS = 4;

/**
 * The facts of this machine for the device that `--device` asks for: a kind, or `webgpu:1` for one of its adapters. Loads
 * no native library.
 */
export function machineFacts(
  requested: string,
  threads = availableParallelism(),
): Result<MachineFacts, Problem> {
  const [, name = requested, digits] = /^(.+?):(\d+)$/.exec(requested) ?? [];
  if (!knownDevices.includes(name)) return failure(unknownDevice(requested));
  const kind = name === "auto" ? chooseDevice() : name;
  const { runtime, adapter, adapterNumbered } = deviceKinds[kind]!;
  if (digits !== undefined && (name === "auto" || adapterNumbered === undefined))
    return failure(withoutNumbers(requested, name));
  try {
    const compute = { device: kind, runtime: runtime() };
    const on = digits === undefined ? adapter?.() : adapterNumbered?.(Number(digits));
    return success({
      device: { kind, threads, ...on?.options },
      facts: { compute },
      classes: { compute: { ...compute, ...classOf(kind, threads, on) } },
    });
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const { code, message, hint } = error;
    return failure({ code, message, hint });
  }
}

function unknownDevice(requested: string): Problem {
  return {
    code: "unknown-device",
    message: `There is no device "${requested}".`,
    hint: `devices: ${knownDevices.join(", ")}`,
  };
}

function withoutNumbers(requested: string, name: string): Problem {
  return {
    code: "unknown-device",
    message: `There is no device "${requested}": those of "${name}" have no numbers.`,
    hint: "webgpu:1 is the WebGPU adapter 1 of those that `tunesmith doctor` lists; CUDA's devices are lent by slots, or by CUDA_VISIBLE_DEVICES",
  };
}

/** What beside kind and runtime decides bits: a graphics device, or this processor. */
function classOf(
  kind: string,
  threads: number,
  adapter: DeviceAdapter | undefined,
): Readonly<Record<string, Json>> {
  const platform = `${process.platform}-${process.arch}`;
  if (adapter !== undefined) return { platform, ...adapter.facts };
  const areMany = threads > MOST_EQUAL_THREADS && kind === "cpu";
  return { platform, instruction_set: instructionSet(), ...(areMany && { threads }) };
}
