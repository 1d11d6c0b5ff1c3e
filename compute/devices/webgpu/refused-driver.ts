import { DeviceError } from "../../device-error.ts";
import type { AdapterReport } from "./adapter-of.ts";

/** Why WebGPU takes none of the devices that Vulkan lists, as it has warned itself; undefined where it said nothing of the kind. */
export function refusedDriver({ loaderLog, devices }: AdapterReport): DeviceError | undefined {
  const reasons = [...loaderLog.matchAll(/^Warning: (.+)\n - While initializing adapter/gm)];
  const [first] = devices;
  if (reasons.length === 0 || first === undefined) return undefined;
  const said = [...new Set(reasons.map(([, reason]) => reason))].join(" ");
  const drivers = devices.map(({ name, driver }) => `${name} (${driver})`).join(", ");
  return new DeviceError(
    "device-missing",
    `There is no WebGPU adapter: it does not take what Vulkan lists, ${drivers}: ${said}`,
    "update the graphics driver, or run with --device cpu",
  );
}
