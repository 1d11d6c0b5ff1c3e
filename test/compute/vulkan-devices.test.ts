import assert from "node:assert/strict";
import { test } from "node:test";
import { listVulkanDevices } from "../../compute/devices/webgpu/vulkan-devices.ts";
import { howToGetSoftwareAdapter, softwareAdapter } from "../rig/software-adapter.ts";

const software = softwareAdapter();

test("what Vulkan tells of SwiftShader", {
  skip: software === undefined && howToGetSoftwareAdapter,
}, () => {
  Object.assign(process.env, software);
  assert.deepEqual(listVulkanDevices(), [
    {
      name: "SwiftShader Device (Subzero)",
      driver: "SwiftShader driver 5.0.0",
      isSoftware: true,
      vendor: 0x1ae0,
      model: 0xc0de,
      hasFloat16: false,
      largestBuffer: 2 ** 30,
      memory: 2 ** 31,
    },
  ]);
});
