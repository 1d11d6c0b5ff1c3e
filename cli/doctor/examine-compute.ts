import { availableParallelism } from "node:os";
import { DeviceError } from "../../compute/device-error.ts";
import { type CudaAdapter, findCuda } from "../../compute/devices/cuda/find-cuda.ts";
import { installedVersion } from "../../compute/devices/installed-version.ts";
import type { WebgpuAdapter } from "../../compute/devices/webgpu/adapter-of.ts";
import { findWebgpuAdapter } from "../../compute/devices/webgpu/webgpu-adapter.ts";
import { formatCount } from "../text/format-quantity.ts";
import { describeWebgpu } from "./describe-webgpu.ts";
import { addOn, examineDevice } from "./examine-device.ts";
import type { Finding } from "./finding.ts";

/** Whether this machine computes: a small graph is run on the processor. */
export async function examineProcessor(): Promise<Finding> {
  const name = "cpu";
  const threads = availableParallelism();
  const { openOnnxruntimeDevice } = await import(
    "../../compute/devices/onnxruntime/onnxruntime.ts"
  );
  try {
    const device = await openOnnxruntimeDevice({ threads });
    const sum = await addOn(device);
    if (sum !== 5) return { name, state: "failed", detail: `computes 2 + 3 = ${sum}` };
    const detail = `${device.facts.runtime} computes, with ${formatCount(threads, "thread")}`;
    return { name, state: "ok", detail };
  } catch (error) {
    const { message } = error as Error;
    const hint =
      error instanceof DeviceError ? error.hint : "install tunesmith again on this machine: npm ci";
    return { name, state: "failed", detail: message, hint };
  }
}

/** How graphics devices are found: tests put others in place. */
export interface AcceleratorFinders {
  webgpu(): WebgpuAdapter;
  cuda(): CudaAdapter;
  tfjsNodeGpu(): Promise<Finding>;
}

const machineFinders: AcceleratorFinders = {
  webgpu: findWebgpuAdapter,
  cuda: findCuda,
  tfjsNodeGpu: () => examineDevice("tfjs-node-gpu"),
};

/** What there is beside the processor. Only runs that name it need it, and those that leave the choice to `auto`. */
export async function examineAccelerators(
  finders: AcceleratorFinders = machineFinders,
): Promise<readonly Finding[]> {
  return [
    foundOrAbsent("webgpu", () => describeWebgpu(finders.webgpu())),
    foundOrAbsent("cuda", () => describeCuda(finders.cuda())),
    await finders.tfjsNodeGpu(),
  ];
}

function describeCuda({ gpus, driver }: CudaAdapter): Omit<Finding, "name"> {
  return {
    state: "ok",
    detail: `complete for ${gpus.join(", ")}, with NVIDIA's driver ${driver}; not loaded here`,
  };
}

function foundOrAbsent(name: string, describe: () => Omit<Finding, "name">): Finding {
  try {
    return { name, ...describe() };
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { name, state: "absent", detail: error.message, hint: error.hint };
  }
}

/** The tokenizers' library. */
export async function examineTokenizers(): Promise<Finding> {
  const name = "tokenizers";
  try {
    await import("@huggingface/tokenizers");
    const version = installedVersion("@huggingface/tokenizers") ?? "unknown version";
    return { name, state: "ok", detail: `@huggingface/tokenizers ${version}` };
  } catch (error) {
    const hint = "install tunesmith again: npm ci";
    return { name, state: "failed", detail: (error as Error).message, hint };
  }
}
