import type { Device } from "../../device.ts";
import { DeviceError } from "../../device-error.ts";
import { openOrtDevice } from "../onnxruntime/ort-device.ts";
import type { OrtProvider } from "../onnxruntime/ort-session.ts";
import { tryProduct } from "../try-product.ts";
import { findCuda } from "./find-cuda.ts";

/**
 * The NVIDIA device with this id, else the first, by ONNX Runtime's CUDA provider. Throws DeviceError where something
 * is missing. No operation falls back to the processor.
 */
export async function openCudaDevice(id?: string): Promise<Device> {
  findCuda();
  const device = await start(cudaProvider(numberOf(id, process.env.CUDA_VISIBLE_DEVICES)));
  return {
    ...device,
    // Products in float16 are in the provider, whatever the device; those in bfloat16 are the device's.
    lacksPrecision: async (type) =>
      type === "bfloat16" ? tryProduct(device.compile, type) : undefined,
  };
}

async function start(provider: OrtProvider): Promise<Device> {
  try {
    return await openOrtDevice("cuda", provider);
  } catch (error) {
    if (error instanceof DeviceError) throw error;
    throw new DeviceError(
      "device-missing",
      `The CUDA provider does not start: ${(error as Error).message.trim().split(" : ").at(-1)}`,
      "`tunesmith doctor` lists what it needs; or run with --device cpu",
      error,
    );
  }
}

/** CUDA counts the devices that a process may see from 0. Throws DeviceError for an id that is none of them. */
export function numberOf(id: string | undefined, visible: string | undefined): number {
  if (id === undefined) return 0;
  const ids = visible?.split(",").map((one) => one.trim());
  const number = ids === undefined ? Number(id) : ids.indexOf(id);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new DeviceError(
    "device-missing",
    `The stage was lent the graphics device ${id}, which CUDA_VISIBLE_DEVICES does not name.`,
    "name it there, or correct the slots of your configuration; without that variable, devices are numbers from 0",
  );
}

/** ONNX Runtime's CUDA provider, on the device with this number. */
function cudaProvider(number: number): OrtProvider {
  const options = {
    device_id: String(number),
    use_tf32: "0", // float32 is to be float32, as on other devices
    cudnn_conv_algo_search: "DEFAULT", // the others choose by their own clocks
  };
  return {
    name: "CUDAExecutionProvider",
    memory: "Cuda",
    device: number,
    pool: `gpu:${number}`,
    options,
    append(api, session) {
      const cuda = api.make("CreateCUDAProviderOptions");
      try {
        const [names, values] = [Object.keys(options), Object.values(options)];
        api.call("UpdateCUDAProviderOptions", cuda, names, values, names.length);
        api.call("SessionOptionsAppendExecutionProvider_CUDA_V2", session, cuda);
      } finally {
        api.release("ReleaseCUDAProviderOptions", cuda);
      }
      api.call("AddSessionConfigEntry", session, "session.disable_cpu_ep_fallback", "1");
    },
  };
}
