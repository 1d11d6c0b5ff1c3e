import { DeviceError } from "../device-error.ts";
import { findCuda } from "./cuda/find-cuda.ts";
import { findWebgpuAdapter, mayHaveAdapter } from "./webgpu/webgpu-adapter.ts";

/**
 * What `auto` stands for: cuda where it is whole, else webgpu where its adapter is real, else cpu. Loads nothing in
 * this process; where there is a sign of a graphics device, WebGPU is tried in another one.
 */
export function chooseDevice(): "cuda" | "webgpu" | "cpu" {
  if (isThere(findCuda)) return "cuda";
  return mayHaveAdapter() && isThere(findWebgpuAdapter, ({ isSoftware }) => !isSoftware)
    ? "webgpu"
    : "cpu";
}

function isThere<Adapter>(
  find: () => Adapter,
  isWanted: (adapter: Adapter) => boolean = () => true,
): boolean {
  try {
    return isWanted(find());
  } catch (error) {
    if (error instanceof DeviceError) return false;
    throw error;
  }
}
