import type { Device, Executable, HeldTensors } from "../compute/device.ts";
import { DeviceError } from "../compute/device-error.ts";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import type { DeviceRequest } from "../engine/stage.ts";

/**
 * The device that a run asked for. Where there is none of the kind, where it cannot be loaded, and where it gives up
 * at work (no memory left, lost), that is a StageFailure.
 */
export async function openDevice({ kind, ...options }: DeviceRequest): Promise<Device> {
  const found = deviceKinds[kind];
  if (found === undefined)
    throw new StageFailure({
      code: "device-not-supported",
      message: `There is no device "${kind}".`,
      hint: `devices: ${Object.keys(deviceKinds).join(", ")}`,
    });
  return failingAsStage(await orStageFailure(found.open(options)));
}

function failingAsStage(device: Device): Device {
  const hold = device.hold?.bind(device);
  const lacksPrecision = device.lacksPrecision?.bind(device);
  return {
    ...device,
    compile: async (...given) => failingExecutable(await orStageFailure(device.compile(...given))),
    ...(lacksPrecision && { lacksPrecision: (type) => orStageFailure(lacksPrecision(type)) }),
    ...(hold && { hold: () => failingTensors(hold()) }),
  };
}

function failingExecutable(executable: Executable): Executable {
  return {
    run: (inputs) => orStageFailure(executable.run(inputs)),
    release: () => executable.release(),
  };
}

function failingTensors(held: HeldTensors): HeldTensors {
  return {
    write: (tensors) => orStageFailure(held.write(tensors)),
    read: (names) => orStageFailure(held.read(names)),
    compile: async (...given) => failingExecutable(await orStageFailure(held.compile(...given))),
    revert: () => held.revert(),
    get traffic() {
      return held.traffic;
    },
    release: () => held.release(),
  };
}

async function orStageFailure<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const { code, message, hint } = error;
    throw new StageFailure({ code, message, hint });
  }
}
