import { availableParallelism } from "node:os";
import { DeviceError } from "../compute/device-error.ts";
import { chooseDevice } from "../compute/devices/choose-device.ts";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import { instructionSet } from "../compute/devices/instruction-set.ts";
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

/** Up to here bits do not depend on the number of threads (compute/devices/steady-products.ts); beyond, it is part of the class. */
const MOST_EQUAL_THREADS = 4;

/** The facts of this machine for the device that `--device` asks for. Loads no native library. */
export function machineFacts(
  requested: string,
  threads = availableParallelism(),
): Result<MachineFacts, Problem> {
  if (!knownDevices.includes(requested)) {
    const message = `There is no device "${requested}".`;
    return failure({
      code: "unknown-device",
      message,
      hint: `devices: ${knownDevices.join(", ")}`,
    });
  }
  const kind = requested === "auto" ? chooseDevice() : requested;
  const found = deviceKinds[kind]!;
  try {
    const compute = { device: kind, runtime: found.runtime() };
    return success({
      device: { kind, threads },
      facts: { compute },
      classes: { compute: { ...compute, ...classOf(kind, threads) } },
    });
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const { code, message, hint } = error;
    return failure({ code, message, hint });
  }
}

/** What beside kind and runtime decides bits: a graphics device, or this processor. */
function classOf(kind: string, threads: number): Readonly<Record<string, Json>> {
  const platform = `${process.platform}-${process.arch}`;
  const adapter = deviceKinds[kind]!.adapter?.();
  if (adapter !== undefined) return { platform, ...adapter };
  const areMany = threads > MOST_EQUAL_THREADS && kind === "cpu";
  return { platform, instruction_set: instructionSet(), ...(areMany && { threads }) };
}
