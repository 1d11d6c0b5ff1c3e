import { DeviceError } from "../../device-error.ts";
import type { AdapterReport, WebgpuAdapter } from "./adapter-of.ts";
import type { VulkanDevice } from "./vulkan-devices.ts";

/** Environment variables that Vulkan's loader and drivers read when a process opens them. */
export type VulkanEnvironment = Readonly<Record<string, string>>;

/** What is found on an adapter that was opened under such variables. */
export interface ProbedAdapter extends AdapterReport {
  readonly adapter: WebgpuAdapter;
}

/** An adapter that was chosen, and the variables under which WebGPU takes it. */
export interface ChosenAdapter {
  readonly adapter: WebgpuAdapter;
  readonly environment: VulkanEnvironment;
}

/**
 * The adapter with this number in Vulkan's list. WebGPU itself lets nobody choose: Vulkan's loader is asked to show that one
 * alone, or first, and a trial says whether it did. Throws DeviceError where there is none of the number, and where
 * it cannot be had.
 */
export function chooseAdapter(
  number: number,
  probe: (environment: VulkanEnvironment) => ProbedAdapter,
): ChosenAdapter {
  const byItself = probe({});
  // Elsewhere than under Vulkan its list says nothing of what is opened.
  const devices = byItself.adapter.listed.length === 0 ? [] : byItself.devices;
  const wanted = devices[number];
  if (wanted === undefined) throw noSuchAdapter(number, devices);
  const twin = devices.findIndex((one, i) => i !== number && isSameModel(one, wanted));
  if (twin >= 0)
    throw new DeviceError(
      "device-missing",
      `WebGPU's adapters ${number} and ${twin} are two of one model, ${wanted.name}: Vulkan can be asked for a model only.`,
      'leave the number out ("--device webgpu"), or let the process see only one of them (in a container)',
    );
  if (byItself.adapter.name === wanted.name) return { adapter: byItself.adapter, environment: {} };
  const environment = showing(wanted);
  const { adapter } = probe(environment);
  if (adapter.name === wanted.name) return { adapter, environment };
  throw new DeviceError(
    "device-missing",
    `Vulkan's loader does not give WebGPU the adapter ${number}, ${wanted.name}: it gives ${adapter.name}.`,
    "install Vulkan's loader 1.4.326 or later (libvulkan1), or name the driver's own file in VK_DRIVER_FILES",
  );
}

function noSuchAdapter(number: number, devices: readonly VulkanDevice[]): DeviceError {
  const list = devices.map(({ name }, i) => `${i} ${name}`).join(", ");
  return new DeviceError(
    "device-missing",
    `WebGPU has no adapter ${number} here.`,
    devices.length === 0
      ? "adapters can be chosen where Vulkan lists them: under Linux, through koffi (npm ci --include=optional)"
      : `there are: ${list}`,
  );
}

const isSameModel = (a: VulkanDevice, b: VulkanDevice) =>
  a.vendor === b.vendor && a.model === b.model;

/**
 * The same wish for loaders and layers of several ages: newer ones hide the others, older ones only put this one first. https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderInterfaceArchitecture.md
 */
function showing({ vendor, model }: VulkanDevice): VulkanEnvironment {
  const [vendorId, modelId] = [vendor.toString(16), model.toString(16)];
  return {
    VK_LOADER_VENDOR_ID_FILTER: `0x${vendorId}`,
    VK_LOADER_DEVICE_ID_FILTER: `0x${modelId}`,
    VK_LOADER_DEVICE_SELECT: `0x${vendorId}:0x${modelId}`,
    MESA_VK_DEVICE_SELECT: `${vendorId}:${modelId}!`,
  };
}
