import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdapterReport, adapterOf } from "../../compute/devices/webgpu/adapter-of.ts";
import {
  chooseAdapter,
  type VulkanEnvironment,
} from "../../compute/devices/webgpu/choose-adapter.ts";
import { refusedDriver } from "../../compute/devices/webgpu/refused-driver.ts";
import type { VulkanDevice } from "../../compute/devices/webgpu/vulkan-devices.ts";

// Which adapter WebGPU has opened, and how another is chosen, on systems that this machine is not.

function deviceNamed(name: string, more: Partial<VulkanDevice> = {}): VulkanDevice {
  const limits = { hasFloat16: true, largestBuffer: 2 ** 32 - 4, memory: 24e9 };
  return {
    name,
    driver: `driver of ${name}`,
    isSoftware: false,
    vendor: 1,
    model: 1,
    ...limits,
    ...more,
  };
}

const radeon = deviceNamed("AMD Radeon", { vendor: 0x1002, model: 0x744c });
const geforce = deviceNamed("NVIDIA GeForce", { vendor: 0x10de, model: 0x2684 });
const llvmpipe = deviceNamed("llvmpipe (LLVM 19.1.7, 256 bits)", {
  vendor: 0x10005,
  model: 0,
  isSoftware: true,
});

const using = (name: string) => `DRIVER: Using "${name}" with driver: "/usr/lib/libvk.so"\n`;
const listing = (name: string) => `INFO | DRIVER:  Sorted order:\nINFO | DRIVER:   [0] ${name}  \n`;
const found = ({ name, driver, isSoftware, hasFloat16, largestBuffer, memory }: VulkanDevice) => ({
  ...{ name, driver, isSoftware },
  limits: { hasFloat16, largestBuffer, memory },
});

test("under Linux it is the one that Vulkan's loader names; one of its type CPU is software", () => {
  const devices = [radeon, llvmpipe];
  const listed = ["AMD Radeon", "llvmpipe (LLVM 19.1.7, 256 bits)"];
  const logs = [
    listing("AMD Radeon"),
    `${listing("AMD Radeon")}${using(llvmpipe.name)}`,
    using("AMD Radeon"),
  ];
  assert.deepEqual(
    logs.map((loaderLog) => adapterOf({ loaderLog, devices }, { platform: "linux" })),
    [radeon, llvmpipe, radeon].map((device) => ({ ...found(device), listed })),
  );
});

test("of what nobody tells whether it is real, it is taken as software", () => {
  const report = { loaderLog: using("a new one"), devices: [radeon] };
  assert.deepEqual(adapterOf(report, { platform: "linux" }), {
    name: "a new one",
    isSoftware: true,
    listed: ["AMD Radeon"],
  });
});

test("under Windows Vulkan says whether there is a real one, and which if that is clear", () => {
  const warp = deviceNamed("Microsoft Basic Render Driver", { isSoftware: true });
  const under = (...devices: readonly VulkanDevice[]) =>
    adapterOf({ loaderLog: "", devices }, { platform: "win32" });
  assert.deepEqual(
    [under(), under(warp), under(warp, geforce), under(radeon, geforce)],
    [
      { name: "unknown", isSoftware: true, listed: [] },
      { name: "unknown", isSoftware: true, listed: [] },
      { name: geforce.name, driver: geforce.driver, isSoftware: false, listed: [] },
      { name: "unknown", isSoftware: false, listed: [] },
    ],
  );
});

test("under macOS it is a part of the processor", () => {
  const nothing: AdapterReport = { loaderLog: "", devices: [] };
  assert.deepEqual(adapterOf(nothing, { platform: "darwin", processor: "Apple M4" }), {
    name: "Apple M4",
    isSoftware: false,
    listed: [],
  });
});

test("a driver that WebGPU does not take is told with WebGPU's reason", () => {
  // As ONNX Runtime 1.30 warned of Debian 12's lavapipe.
  const loaderLog = `${listing("llvmpipe (LLVM 15.0.6, 256 bits)")}Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.
 - While initializing adapter (backend=BackendType::Vulkan)
    at InitializeImpl (/build/src/dawn/native/vulkan/PhysicalDeviceVk.cpp:253)
`;
  const old = deviceNamed("llvmpipe (LLVM 15.0.6, 256 bits)", {
    driver: "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)",
  });
  const { code, message, hint } = refusedDriver({ loaderLog, devices: [old] })!;
  assert.deepEqual(
    { code, message, hint },
    {
      code: "device-missing",
      message:
        "There is no WebGPU adapter: it does not take what Vulkan lists, llvmpipe (LLVM 15.0.6, 256 bits) (llvmpipe Mesa 22.3.6 (LLVM 15.0.6)): Vulkan shaderUniform*ArrayDynamicIndexing required.",
      hint: "update the graphics driver, or run with --device cpu",
    },
  );
  assert.equal(refusedDriver({ loaderLog, devices: [] }), undefined);
  assert.equal(refusedDriver({ loaderLog: listing(old.name), devices: [old] }), undefined);
});

/** A machine whose loader shows the devices as `shown` says for an environment; WebGPU takes the first. */
function machineWith(
  devices: readonly VulkanDevice[],
  shown: (environment: VulkanEnvironment) => readonly VulkanDevice[],
  platform: NodeJS.Platform = "linux",
) {
  const asked: VulkanEnvironment[] = [];
  const probe = (environment: VulkanEnvironment) => {
    asked.push(environment);
    const first = shown(environment)[0]!;
    const report = { loaderLog: using(first.name), devices };
    return { ...report, adapter: adapterOf(report, { platform }) };
  };
  return { asked, choose: (number: number) => chooseAdapter(number, probe) };
}

const towardsGeforce = {
  VK_LOADER_VENDOR_ID_FILTER: "0x10de",
  VK_LOADER_DEVICE_ID_FILTER: "0x2684",
  VK_LOADER_DEVICE_SELECT: "0x10de:0x2684",
  MESA_VK_DEVICE_SELECT: "10de:2684!",
};

test("one of several adapters is chosen by its number, and tried", () => {
  const both = [radeon, geforce];
  const { asked, choose } = machineWith(both, ({ VK_LOADER_DEVICE_ID_FILTER: id }) =>
    id === undefined ? both : [geforce],
  );
  const [first, second] = [choose(0), choose(1)];
  assert.deepEqual([first.adapter.name, first.environment], ["AMD Radeon", {}]);
  assert.deepEqual([second.adapter.name, second.environment], ["NVIDIA GeForce", towardsGeforce]);
  assert.deepEqual(asked, [{}, {}, towardsGeforce]);
});

test("what cannot be chosen is refused, with the reason", () => {
  const both = [radeon, geforce];
  const deaf = machineWith(both, () => both);
  const twins = machineWith([geforce, geforce], () => [geforce]);
  const windows = machineWith(both, () => [geforce], "win32");
  const refusals: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => deaf.choose(1),
      "Vulkan's loader does not give WebGPU the adapter 1, NVIDIA GeForce: it gives AMD Radeon.",
      "install Vulkan's loader 1.4.326 or later (libvulkan1), or name the driver's own file in VK_DRIVER_FILES",
    ],
    [
      () => twins.choose(1),
      "WebGPU's adapters 1 and 0 are two of one model, NVIDIA GeForce: Vulkan can be asked for a model only.",
      'leave the number out ("--device webgpu"), or let the process see only one of them (in a container)',
    ],
    [
      () => deaf.choose(2),
      "WebGPU has no adapter 2 here.",
      "there are: 0 AMD Radeon, 1 NVIDIA GeForce",
    ],
    [
      () => windows.choose(0),
      "WebGPU has no adapter 0 here.",
      "adapters can be chosen where Vulkan lists them: under Linux, through koffi (npm ci --include=optional)",
    ],
  ];
  for (const [choose, message, hint] of refusals)
    assert.throws(choose, { name: "DeviceError", code: "device-missing", message, hint });
});
