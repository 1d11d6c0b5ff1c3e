import type { Device } from "../compute/device.ts";
import { DeviceError } from "../compute/device-error.ts";
import { deviceKinds } from "../compute/devices/device-kinds.ts";
import { StageFailure } from "../engine/diagnostic.ts";
import type { DeviceRequest } from "../engine/stage.ts";

/** The device that a run asked for; a StageFailure where there is none of the kind, or it cannot be loaded. */
export async function openDevice({ kind, threads }: DeviceRequest): Promise<Device> {
  const found = deviceKinds[kind];
  if (found === undefined)
    throw new StageFailure({
      code: "device-not-supported",
      message: `There is no device "${kind}" yet.`,
      hint: "run with --device cpu, or leave it out",
    });
  try {
    return await found.open({ threads });
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const { code, message, hint } = error;
    throw new StageFailure({ code, message, hint });
  }
}
