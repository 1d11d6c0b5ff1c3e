import { DeviceError } from "../../device-error.ts";

// A program: opens the WebGPU device, lets it compute, and prints as JSON what devices Vulkan lists. Vulkan's loader tells on
// stderr which of them it was, which ONNX Runtime does not tell. A driver that crashes takes only this process along.

process.env.VK_LOADER_DEBUG = "driver"; // read when the first session loads the driver

// koffi's own binary is an optional package: without it Vulkan tells nothing.
const vulkan = await import("./vulkan-devices.ts").catch(() => undefined);
const problem = await problemOfOpening();
const devices = vulkan?.listVulkanDevices() ?? [];
process.stdout.write(`${JSON.stringify({ devices, ...(problem && { problem }) })}\n`);

async function problemOfOpening() {
  try {
    const { openWebgpuDevice } = await import("./webgpu.ts");
    await openWebgpuDevice();
    return undefined;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const { message, hint } = error;
    return { message, hint };
  }
}
