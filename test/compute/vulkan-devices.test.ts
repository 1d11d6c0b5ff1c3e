import assert from "node:assert/strict";
import { test } from "node:test";
import { listVulkanDevices } from "../../compute/devices/webgpu/vulkan-devices.ts";
import { howToGetSoftwareAdapter, softwareAdapter, swiftShader } from "../rig/software-adapter.ts";

const software = softwareAdapter();

test("what Vulkan tells of SwiftShader", {
  skip: software === undefined && howToGetSoftwareAdapter,
}, () => {
  Object.assign(process.env, software);
  assert.deepEqual(listVulkanDevices(), [swiftShader]);
});
