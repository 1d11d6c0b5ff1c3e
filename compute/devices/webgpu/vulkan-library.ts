import koffi from "koffi";

/** The functions of Vulkan's loader that list devices. Handles are numbers of 64 bits; structs are buffers. */
export type VulkanLibrary = NonNullable<ReturnType<typeof openVulkanLibrary>>;

const names: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libvulkan.so.1",
  win32: "vulkan-1.dll",
};

/** Vulkan's loader; undefined where it is not installed. */
export function openVulkanLibrary() {
  const library = load(names[process.platform]);
  if (library === undefined) return undefined;
  const fill = (name: string) => library.func(name, "void", ["uint64", "void *"]);
  return {
    createInstance: library.func("vkCreateInstance", "int", ["void *", "void *", "void *"]),
    destroyInstance: fill("vkDestroyInstance"),
    enumeratePhysicalDevices: library.func("vkEnumeratePhysicalDevices", "int", [
      ...["uint64", "void *", "void *"],
    ]),
    properties: fill("vkGetPhysicalDeviceProperties"),
    properties2: fill("vkGetPhysicalDeviceProperties2"),
    features2: fill("vkGetPhysicalDeviceFeatures2"),
    memoryProperties: fill("vkGetPhysicalDeviceMemoryProperties"),
  };
}

function load(name: string | undefined) {
  try {
    return name === undefined ? undefined : koffi.load(name);
  } catch {
    return undefined; // there is no such file
  }
}

/** A struct of vulkan_core.h: its number there, its size, and where a field or two stand in it, in bytes, where pointers have 64 bits. */
export interface VulkanStruct {
  readonly type: number;
  readonly bytes: number;
}

/** Where every struct that has a number names the one that is filled together with it. */
const NEXT = 8;

/** A zeroed struct. */
export function structOf({ type, bytes }: VulkanStruct): Buffer {
  const struct = Buffer.alloc(bytes);
  struct.writeUInt32LE(type, 0);
  return struct;
}

/** Writes the address of a buffer, which has to be kept for as long as that is used. */
export function pointTo(target: Buffer, struct: Buffer, at = NEXT): void {
  struct.writeBigUInt64LE(koffi.address(target), at);
}

/** Zeroed structs by name, each but the last naming the next; a driver leaves one that it does not know as it is. */
export function chainOf<Name extends string>(
  structs: Readonly<Record<Name, VulkanStruct>>,
): Readonly<Record<Name, Buffer>> {
  const chain = Object.entries<VulkanStruct>(structs).map(
    ([name, struct]) => [name, structOf(struct)] as const,
  );
  for (const [i, [, struct]] of chain.entries()) {
    const next = chain[i + 1];
    if (next !== undefined) pointTo(next[1], struct);
  }
  return Object.fromEntries(chain) as Record<Name, Buffer>;
}

/** The text that ends at the first zero, of at most 256 bytes. */
export function textAt(struct: Buffer, at: number): string {
  const end = struct.indexOf(0, at);
  return struct.toString("utf8", at, Math.min(end < 0 ? struct.length : end, at + 256));
}
