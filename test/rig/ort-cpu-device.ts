import type { Device } from "../../compute/device.ts";
import { DeviceError } from "../../compute/device-error.ts";
import { openOrtDevice } from "../../compute/devices/onnxruntime/ort-device.ts";
import type { OrtProvider } from "../../compute/devices/onnxruntime/ort-session.ts";
import { roundingDevice } from "./rounding-device.ts";

/** What a skipped test says. */
export const howToGetOrt = "ONNX Runtime's C functions are loaded on Linux only, as CUDA is";

/** The processor's provider, with the numbers of the processor as a device. */
export const ortCpu: OrtProvider = {
  name: "CPUExecutionProvider",
  memory: "Cpu",
  device: 0,
  pool: "cpu:0",
  options: {},
  append: (api, options) =>
    api.call("AddSessionConfigEntry", options, "session.set_denormal_as_zero", "1"),
};

/**
 * The processor by way of ONNX Runtime's C functions, which CUDA is reached by: all but the name of the provider is
 * CUDA's. A DeviceError on other systems than Linux.
 */
export async function openOrtCpu(): Promise<Device> {
  if (process.platform !== "linux")
    throw new DeviceError("device-missing", "There is no such library.", howToGetOrt);
  return roundingDevice(await openOrtDevice("cpu", ortCpu));
}
