import type { VulkanDevice } from "./vulkan-devices.ts";

/** What computes under WebGPU on a machine. */
export interface WebgpuAdapter {
  /** As its driver calls it; `unknown` where nobody tells. */
  readonly name: string;
  /** Its driver with its version; absent where nobody tells. */
  readonly driver?: string;
  /** Whether the processor does its work: it is then only taken when it is asked for by name. */
  readonly isSoftware: boolean;
  /** Names of all that Vulkan lists, in its order: `--device webgpu:1` is the second. Empty where none can be chosen. */
  readonly listed: readonly string[];
  /** Absent where nobody tells: Vulkan does, Metal and Direct3D 12 do not. */
  readonly limits?: Pick<VulkanDevice, "hasFloat16" | "largestBuffer" | "memory">;
}

/** What a process that computes on the adapter has found out about it. */
export interface AdapterReport {
  /** What Vulkan's loader printed of the device that was opened. */
  readonly loaderLog: string;
  /** All that Vulkan lists. */
  readonly devices: readonly VulkanDevice[];
}

/** A system, as far as that decides who tells. */
export interface AdapterSystem {
  readonly platform: NodeJS.Platform;
  /** What the processor calls itself; on Apple's the graphics device is part of it. */
  readonly processor?: string | undefined;
}

/** The adapter that was opened. Where nobody tells whether it is a real one, it counts as software, but on macOS. */
export function adapterOf(
  { loaderLog, devices }: AdapterReport,
  { platform, processor }: AdapterSystem,
): WebgpuAdapter {
  if (platform === "darwin") return { name: processor ?? "unknown", isSoftware: false, listed: [] };
  if (platform === "win32") return underDirect3d(devices);
  const used = [...loaderLog.matchAll(/Using "([^"]+)" with driver:/g)].at(-1);
  const first = [...loaderLog.matchAll(/\[0\] (.+?)\s*$/gm)].at(-1);
  const name = used?.[1] ?? first?.[1];
  const listed = devices.map((one) => one.name);
  const device = devices.find((one) => one.name === name);
  if (device === undefined) return { name: name ?? "unknown", isSoftware: true, listed };
  const { driver, isSoftware, hasFloat16, largestBuffer, memory } = device;
  const limits = { hasFloat16, largestBuffer, memory };
  return { name: device.name, driver, isSoftware, listed, limits };
}

/** Direct3D 12 does not tell what it opened; a graphics card's package brings Vulkan along, which then lists it. */
function underDirect3d(devices: readonly VulkanDevice[]): WebgpuAdapter {
  const real = devices.filter(({ isSoftware }) => !isSoftware);
  const [first] = real;
  if (first === undefined) return { name: "unknown", isSoftware: true, listed: [] };
  const isOne = real.every(({ name }) => name === first.name);
  if (!isOne) return { name: "unknown", isSoftware: false, listed: [] };
  return { name: first.name, driver: first.driver, isSoftware: false, listed: [] };
}
