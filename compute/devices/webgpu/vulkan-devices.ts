import {
  chainOf,
  openVulkanLibrary,
  pointTo,
  structOf,
  textAt,
  type VulkanLibrary,
} from "./vulkan-library.ts";

/** A device that Vulkan lists. */
export interface VulkanDevice {
  readonly name: string;
  /** Its driver with its version, as that calls itself. */
  readonly driver: string;
  /** Whether the processor does its work. */
  readonly isSoftware: boolean;
  /** Numbers of its maker and, there, of its model: equal cards have equal ones. */
  readonly vendor: number;
  readonly model: number;
  /** Whether shaders compute in float16 and read it from memory. */
  readonly hasFloat16: boolean;
  /** Bytes of the largest buffer. */
  readonly largestBuffer: number;
  /** Bytes of the memory that is its own; of a software device, the machine's. */
  readonly memory: number;
}

// Sizes and places of vulkan_core.h's structs in bytes, the same on all systems whose pointers have 64 bits.
const applicationInfo = { type: 0, bytes: 48 };
const API_VERSION = 44;
const instanceCreateInfo = { type: 1, bytes: 64 };
const APPLICATION_INFO = 24;
const propertyStructs = {
  properties2: { type: 1000059001, bytes: 840 },
  driver: { type: 1000196000, bytes: 536 },
  maintenance3: { type: 1000168000, bytes: 32 },
  maintenance4: { type: 1000413000, bytes: 24 },
};
const [DRIVER_NAME, DRIVER_INFO, MAX_MEMORY_ALLOCATION_SIZE, MAX_BUFFER_SIZE] = [20, 276, 24, 16];
const featureStructs = {
  features2: { type: 1000059000, bytes: 240 },
  float16Int8: { type: 1000082000, bytes: 24 },
  storage16Bit: { type: 1000083000, bytes: 32 },
};
const [SHADER_FLOAT16, STORAGE_BUFFER_16_BIT_ACCESS] = [16, 16];
/** Of VkPhysicalDeviceProperties. */
const properties = { bytes: 824, apiVersion: 0, driverVersion: 4, vendor: 8, model: 12, type: 16 };
const DEVICE_NAME = 20;
const TYPE_CPU = 4;
/** Of VkPhysicalDeviceMemoryProperties; a heap is its size and its flags. */
const memoryProperties = { bytes: 520, heapCount: 260, heaps: 264, heapBytes: 16, flags: 8 };
const HEAP_IS_DEVICE_LOCAL = 1;

/** The first version that tells of drivers and of features beyond the first ones; WebGPU asks for it, too. */
const VERSION_1_1 = (1 << 22) | (1 << 12);

/**
 * The devices that Vulkan lists, in its order; none where its loader or a driver is missing. Loads the drivers into
 * this process.
 */
export function listVulkanDevices(): readonly VulkanDevice[] {
  const vulkan = openVulkanLibrary();
  if (vulkan === undefined) return [];
  const [application, request] = [structOf(applicationInfo), structOf(instanceCreateInfo)];
  application.writeUInt32LE(VERSION_1_1, API_VERSION);
  pointTo(application, request, APPLICATION_INFO);
  const created = Buffer.alloc(8);
  if (vulkan.createInstance(request, null, created) !== 0) return [];
  const instance = created.readBigUInt64LE();
  try {
    return handlesOf(vulkan, instance).flatMap((handle) => described(vulkan, handle) ?? []);
  } finally {
    vulkan.destroyInstance(instance, null);
  }
}

function handlesOf(vulkan: VulkanLibrary, instance: bigint): readonly bigint[] {
  const count = Buffer.alloc(4);
  if (vulkan.enumeratePhysicalDevices(instance, count, null) !== 0) return [];
  const handles = Buffer.alloc(8 * count.readUInt32LE());
  if (vulkan.enumeratePhysicalDevices(instance, count, handles) !== 0) return [];
  return Array.from({ length: count.readUInt32LE() }, (_, i) => handles.readBigUInt64LE(8 * i));
}

/** undefined: older than Vulkan 1.1, which WebGPU does not take. */
function described(vulkan: VulkanLibrary, handle: bigint): VulkanDevice | undefined {
  const own = Buffer.alloc(properties.bytes);
  vulkan.properties(handle, own);
  if (own.readUInt32LE(properties.apiVersion) < VERSION_1_1) return undefined;
  const { properties2, driver, maintenance3, maintenance4 } = chainOf(propertyStructs);
  vulkan.properties2(handle, properties2);
  const { features2, float16Int8, storage16Bit } = chainOf(featureStructs);
  vulkan.features2(handle, features2);
  const version =
    textAt(driver, DRIVER_INFO) || versionText(own.readUInt32LE(properties.driverVersion));
  return {
    name: textAt(own, DEVICE_NAME),
    driver: `${textAt(driver, DRIVER_NAME)} ${version}`.trim(),
    isSoftware: own.readUInt32LE(properties.type) === TYPE_CPU,
    vendor: own.readUInt32LE(properties.vendor),
    model: own.readUInt32LE(properties.model),
    hasFloat16:
      float16Int8.readUInt32LE(SHADER_FLOAT16) === 1 &&
      storage16Bit.readUInt32LE(STORAGE_BUFFER_16_BIT_ACCESS) === 1,
    largestBuffer: Number(
      maintenance4.readBigUInt64LE(MAX_BUFFER_SIZE) ||
        maintenance3.readBigUInt64LE(MAX_MEMORY_ALLOCATION_SIZE),
    ),
    memory: memoryOf(vulkan, handle),
  };
}

const versionText = (packed: number) =>
  `${packed >>> 22}.${(packed >>> 12) & 0x3ff}.${packed & 0xfff}`;

function memoryOf(vulkan: VulkanLibrary, handle: bigint): number {
  const { bytes, heapCount, heaps, heapBytes, flags } = memoryProperties;
  const own = Buffer.alloc(bytes);
  vulkan.memoryProperties(handle, own);
  const places = Array.from(
    { length: own.readUInt32LE(heapCount) },
    (_, i) => heaps + i * heapBytes,
  );
  return places
    .filter((at) => (own.readUInt32LE(at + flags) & HEAP_IS_DEVICE_LOCAL) !== 0)
    .reduce((sum, at) => sum + Number(own.readBigUInt64LE(at)), 0);
}
