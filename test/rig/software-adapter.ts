import { existsSync, readdirSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Device } from "../../compute/device.ts";
import { DeviceError } from "../../compute/device-error.ts";
import type { VulkanDevice } from "../../compute/devices/webgpu/vulkan-devices.ts";

const DRIVER = "vk_swiftshader_icd.json";

/** SwiftShader, as Vulkan lists it. */
export const swiftShader: VulkanDevice = {
  name: "SwiftShader Device (Subzero)",
  driver: "SwiftShader driver 5.0.0",
  isSoftware: true,
  vendor: 0x1ae0,
  model: 0xc0de,
  hasFloat16: false,
  largestBuffer: 2 ** 30,
  memory: 2 ** 31,
};

/** Where browsers keep SwiftShader, a Vulkan driver that computes on the processor. */
function folders(): string[] {
  const playwright = join(homedir(), ".cache/ms-playwright");
  const versions = existsSync(playwright) ? readdirSync(playwright) : [];
  return [
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    ...versions.map((version) => join(playwright, version, "chrome-linux")),
  ];
}

/** The environment in which WebGPU computes by SwiftShader; undefined where no browser has brought it. */
export function softwareAdapter(): Readonly<Record<string, string>> | undefined {
  const driver = folders()
    .map((folder) => join(folder, DRIVER))
    .find((path) => existsSync(path));
  if (driver === undefined) return undefined;
  return { VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: tmpdir() };
}

/** The environment in which tests compute by WebGPU: SwiftShader's, with TUNESMITH_TEST_WEBGPU=1 this machine's as it is; undefined where there is neither. */
export function testAdapter(): Readonly<Record<string, string>> | undefined {
  return process.env.TUNESMITH_TEST_WEBGPU === "1" ? {} : softwareAdapter();
}

/** What a skipped test says. */
export const howToGetSoftwareAdapter =
  "SwiftShader is not there; apt-get install chromium libvulkan1, or set VK_DRIVER_FILES to a driver and TUNESMITH_TEST_WEBGPU=1";

/** WebGPU on the adapter of tests; a DeviceError where there is none. */
export async function openTestWebgpu(): Promise<Device> {
  const environment = testAdapter();
  if (environment === undefined)
    throw new DeviceError(
      "device-missing",
      "There is no software adapter.",
      howToGetSoftwareAdapter,
    );
  Object.assign(process.env, environment); // before the first session: the driver is found but once
  const { openWebgpuDevice } = await import("../../compute/devices/webgpu/webgpu.ts");
  return openWebgpuDevice();
}
