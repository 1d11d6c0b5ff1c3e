import type { WebgpuAdapter } from "../../compute/devices/webgpu/adapter-of.ts";
import { formatBytes } from "../text/format-quantity.ts";
import type { Finding } from "./finding.ts";

/** What doctor says of the adapter that WebGPU takes: its driver, and the limits that a training may meet. */
export function describeWebgpu(adapter: WebgpuAdapter): Omit<Finding, "name"> {
  const { name, isSoftware, listed } = adapter;
  const traits = traitsOf(adapter);
  const by = traits.length === 0 ? "" : ` (${traits.join("; ")})`;
  const others =
    listed.length < 2
      ? ""
      : `; --device webgpu:NUMBER takes another: ${listed.map((one, i) => `${i} ${one}`).join(", ")}`;
  if (!isSoftware) return { state: "ok", detail: `computes on ${name}${by}${others}` };
  const takenByName = "only --device webgpu takes a software adapter";
  if (adapter.limits) {
    const detail = `computes on ${name}${by}, which is the processor again${others}`;
    return { state: "note", detail, hint: takenByName };
  }
  return {
    state: "note",
    detail: `computes on ${name}${by}, and Vulkan does not tell whether that is the processor again${others}`,
    hint: `${takenByName}; Vulkan is asked through koffi, whose own binary comes by npm ci --include=optional`,
  };
}

function traitsOf({ driver, limits }: WebgpuAdapter): readonly string[] {
  const traits = driver === undefined ? [] : [driver];
  if (limits === undefined) return traits;
  const { hasFloat16, largestBuffer, memory } = limits;
  return [
    ...traits,
    hasFloat16 ? "float16" : "no float16",
    `tensors of up to ${formatBytes(largestBuffer)}`,
    `memory of ${formatBytes(memory)}`,
  ];
}
