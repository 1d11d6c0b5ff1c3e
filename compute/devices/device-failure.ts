import type { Executable } from "../device.ts";
import { DeviceError } from "../device-error.ts";

/** CUDA's errors of drivers and of devices that are not there; what follows says which. */
const NO_CUDA =
  /(?:CUDA failure (?:3|34|35|46|100|101|209|222|80[0-4]): |(?=Invalid device ID: ))([^;.]*[^;.\s])/;
const NO_CUDNN = /cuDNN is unavailable/;
const NO_ADAPTER = /Failed to get a WebGPU adapter|No supported adapters|RequestAdapter/;
const NO_MEMORY =
  /out.of.memory|OUT_OF_(DEVICE|HOST)_MEMORY|bad_alloc|Failed to allocate|ALLOC(ATION)?_FAILED|CUBLAS failure [13]:|OOM when allocating|buffer size .*exceed|exceeds the (max|limit)|too large|Too many storage buffers|narrowing_error|Invalid Buffer[^\]]*\] is invalid due to a previous error/i;
/** After CUDA's errors of these numbers or names a process can compute no more. */
const LOST =
  /device.{0,20}(lost|removed|destroyed)|DEVICE_LOST|DeviceLost|CUDA failure (214|220|70\d|71\d|720|999):|cudaError(ECCUncorrectable|Launch|Illegal|Misaligned|HardwareStack|InvalidPc|InvalidAddressSpace|ContextIsDestroyed|Assert|Unknown)|CUBLAS failure 1[134]:/i;

/** What ONNX Runtime or TensorFlow threw, as a DeviceError that names the setting to change; a bug of ours as it is. */
export function deviceFailure(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  const told = (code: DeviceError["code"], message: string, hint: string) =>
    new DeviceError(code, message, hint, error);
  if (NO_ADAPTER.test(text))
    return told(
      "device-missing",
      "There is no WebGPU adapter: no driver for a graphics device was found.",
      "install its Vulkan driver (Linux) or update it, or run with --device cpu",
    );
  if (NO_CUDNN.test(text))
    return told(
      "device-missing",
      "cuDNN could not be loaded, which the CUDA provider computes with.",
      "install cuDNN 9 for the provider's CUDA, or add its folder to LD_LIBRARY_PATH; `tunesmith doctor` says what is missing",
    );
  const [, lack] = NO_CUDA.exec(text) ?? [];
  if (lack !== undefined)
    return told(
      "device-missing",
      `CUDA cannot use the graphics device: ${lack}.`,
      "see `nvidia-smi` and CUDA_VISIBLE_DEVICES; `tunesmith doctor` lists what CUDA needs; or run with --device cpu",
    );
  if (LOST.test(text))
    return told(
      "device-lost",
      "The graphics device was lost: its driver was reset, or the device was taken away.",
      "run again: training goes on from its last checkpoint; if it comes again, lower per_device_train_batch_size, or run with --device cpu",
    );
  if (NO_MEMORY.test(text))
    return told(
      "device-memory",
      "The graphics device has not enough memory for this batch.",
      "lower per_device_train_batch_size and raise gradient_accumulation_steps as much, lower max_length, or run with --device cpu",
    );
  return error;
}

/** The same, whose runs throw what `deviceFailure` makes of an error. */
export function withFailures(executable: Executable): Executable {
  return {
    async run(inputs) {
      try {
        return await executable.run(inputs);
      } catch (error) {
        throw deviceFailure(error);
      }
    },
    release: () => executable.release(),
  };
}
