import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AcceleratorFinders, examineAccelerators } from "../../cli/doctor/examine-compute.ts";
import { examineDevice } from "../../cli/doctor/examine-device.ts";
import type { Finding } from "../../cli/doctor/finding.ts";
import { DeviceError } from "../../compute/device-error.ts";
import { type CudaSystem, findCuda } from "../../compute/devices/cuda/find-cuda.ts";
import { adapterOf } from "../../compute/devices/webgpu/adapter-of.ts";
import type { VulkanDevice } from "../../compute/devices/webgpu/vulkan-devices.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { howToGetSoftwareAdapter, softwareAdapter, swiftShader } from "../rig/software-adapter.ts";

// What doctor says of the devices of four machines.

const noAdapter = {
  name: "webgpu",
  state: "absent",
  detail: "There is no WebGPU adapter: no driver for a graphics device was found.",
  hint: "install its Vulkan driver (Linux) or update it, or run with --device cpu",
};
const noProvider = {
  name: "cuda",
  state: "absent",
  detail: "onnxruntime-node's CUDA provider is not installed.",
  hint: "it is a download of its own: node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12; or use --device webgpu, which needs none",
};
const noTfjs = {
  name: "tfjs-node-gpu",
  state: "absent",
  detail: "@tensorflow/tfjs-node-gpu is not installed.",
};

function withoutWebgpu(): never {
  throw new DeviceError("device-missing", noAdapter.detail, noAdapter.hint);
}

/** The findings on this machine, but for what is given. */
async function examined(finders: Partial<AcceleratorFinders>) {
  const findings = await examineAccelerators({
    webgpu: withoutWebgpu,
    cuda: () => findCuda(bare),
    tfjsNodeGpu: () => examineDevice("tfjs-node-gpu"),
    ...finders,
  });
  const [webgpu, cuda, { hint, ...tfjs }] = findings as [object, object, { hint: string }];
  assert.match(hint, /^npm install @tensorflow\/tfjs-node-gpu@4.22/);
  return [webgpu, cuda, tfjs];
}

/** A machine with onnxruntime-node as npm installs it. */
const bare: CudaSystem = {
  platform: "linux-x64",
  folder: "/nowhere",
  libraryFolders: [],
  librariesOf: () => "",
  knownLibraries: () => "",
  hasKoffi: () => true,
  driver: () => undefined,
};

test("nothing there, nor tfjs-node-gpu", async () => {
  assert.deepEqual(await examined({}), [noAdapter, noProvider, noTfjs]);
});

const card: VulkanDevice = {
  name: "AMD Radeon RX 7900 XTX (RADV NAVI31)",
  driver: "radv Mesa 25.2.1",
  isSoftware: false,
  vendor: 0x1002,
  model: 0x744c,
  hasFloat16: true,
  largestBuffer: 2 ** 32 - 4,
  memory: 24e9,
};

/** What doctor says of WebGPU where it has opened the first of these. */
async function withAdapters(...devices: readonly [VulkanDevice, ...VulkanDevice[]]) {
  const loaderLog = `INFO:  Using "${devices[0].name}" with driver: "/usr/lib/libvk.so"\n`;
  const webgpu = () => adapterOf({ loaderLog, devices }, { platform: "linux" });
  return (await examined({ webgpu }))[0];
}

test("a software adapter only", async () => {
  assert.deepEqual(await withAdapters(swiftShader), {
    name: "webgpu",
    state: "note",
    detail:
      "computes on SwiftShader Device (Subzero) (SwiftShader driver 5.0.0; no float16; tensors of up to 1.1 GB; memory of 2.1 GB), which is the processor again",
    hint: "only --device webgpu takes a software adapter",
  });
});

test("a real adapter beside a software one", async () => {
  assert.deepEqual(await withAdapters(card, swiftShader), {
    name: "webgpu",
    state: "ok",
    detail:
      "computes on AMD Radeon RX 7900 XTX (RADV NAVI31) (radv Mesa 25.2.1; float16; tensors of up to 4.3 GB; memory of 24.0 GB); --device webgpu:NUMBER takes another: 0 AMD Radeon RX 7900 XTX (RADV NAVI31), 1 SwiftShader Device (Subzero)",
  });
});

test("an adapter of which nobody tells more than its name", async () => {
  const system = { platform: "darwin", processor: "Apple M4" } as const;
  const webgpu = () => adapterOf({ loaderLog: "", devices: [] }, system);
  const [found] = await examined({ webgpu });
  assert.deepEqual(found, { name: "webgpu", state: "ok", detail: "computes on Apple M4" });
});

test("an adapter of which Vulkan tells nothing", async () => {
  const loaderLog = 'DRIVER: Using "NVIDIA GeForce" with driver: "/usr/lib/libGLX_nvidia.so"\n';
  const webgpu = () => adapterOf({ loaderLog, devices: [] }, { platform: "linux" });
  assert.deepEqual((await examined({ webgpu }))[0], {
    name: "webgpu",
    state: "note",
    detail:
      "computes on NVIDIA GeForce, and Vulkan does not tell whether that is the processor again",
    hint: "only --device webgpu takes a software adapter; Vulkan is asked through koffi, whose own binary comes by npm ci --include=optional",
  });
});

/** What `ldd` prints of the provider, with the libraries that are there. */
const links = (found: (name: string) => string) =>
  ["libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10", "libcudart.so.13", "libcuda.so.1"]
    .map((name) => `\t${name} => ${found(name)}\n`)
    .join("");

test("a CUDA provider without CUDA, then without cuDNN alone, then with all", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tunesmith-cuda-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"])
    await writeFile(join(folder, name), "");
  const provider = { ...bare, folder };
  const cudaOf = async (system: CudaSystem) => {
    const [, cuda] = await examined({ cuda: () => findCuda(system) });
    return cuda;
  };
  const incomplete = (missing: string) => ({
    name: "cuda",
    state: "absent",
    detail: `The CUDA provider is installed, but it misses ${missing}.`,
    hint: "install NVIDIA's driver, CUDA 13 and cuDNN 9, or add their folders to LD_LIBRARY_PATH; or use --device webgpu",
  });
  assert.deepEqual(await cudaOf({ ...provider, hasKoffi: () => false }), {
    name: "cuda",
    state: "absent",
    detail:
      "The CUDA provider is installed, but koffi, by which it is reached, lacks its own binary.",
    hint: "install tunesmith's packages again, with the optional ones: npm ci --include=optional",
  });
  assert.deepEqual(
    await cudaOf({ ...provider, librariesOf: () => links(() => "not found") }),
    incomplete(
      "NVIDIA's driver, libcublasLt.so.13, libcublas.so.13, libcurand.so.10, libcudart.so.13, libcudnn.so.9",
    ),
  );
  const cuda = {
    ...provider,
    librariesOf: () => links((name) => `/usr/local/cuda/lib64/${name} (0x00007f)`),
    driver: () => ({ version: "580.65.06", gpus: ["NVIDIA H100 80GB HBM3"] }),
  };
  assert.deepEqual(await cudaOf(cuda), incomplete("libcudnn.so.9"));
  const old = () => ({ version: "535.183.01", gpus: ["NVIDIA A100-SXM4-40GB"] });
  assert.deepEqual(
    await cudaOf({ ...cuda, driver: old }),
    incomplete("NVIDIA's driver 580 or later (535.183.01 is there), libcudnn.so.9"),
  );
  const known = "\tlibcudnn.so.9 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcudnn.so.9\n";
  assert.deepEqual(await cudaOf({ ...cuda, knownLibraries: () => known }), {
    name: "cuda",
    state: "ok",
    detail: "complete for NVIDIA H100 80GB HBM3, with NVIDIA's driver 580.65.06; not loaded here",
  });
  await writeFile(join(folder, "libcudnn.so.9"), "");
  assert.equal(findCuda({ ...cuda, libraryFolders: ["/nowhere", folder] }).driver, "580.65.06");
});

test("another platform than CUDA's", async () => {
  const [, cuda] = await examined({ cuda: () => findCuda({ ...bare, platform: "darwin-arm64" }) });
  assert.deepEqual(cuda, {
    name: "cuda",
    state: "absent",
    detail: "onnxruntime-node has no CUDA for darwin-arm64.",
    hint: "use --device webgpu: it needs nothing but the graphics driver",
  });
});

const software = softwareAdapter();
const nothing = { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" };

async function webgpuFinding(environment: Readonly<Record<string, string>>) {
  await using rig = await ProjectRig.create();
  const { exitCode, stdout } = await rig.command(["doctor", "--json"], environment);
  assert.equal(exitCode, 0);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.find(({ name }) => name === "webgpu");
}

test("this machine, without a driver", { skip: process.platform !== "linux" }, async () => {
  assert.deepEqual(await webgpuFinding(nothing), noAdapter);
});

test("this machine, with a software driver", {
  skip: software === undefined && howToGetSoftwareAdapter,
}, async () => {
  const found = await webgpuFinding(software!);
  assert.equal(found?.state, "note");
  assert.match(
    found!.detail,
    /^computes on SwiftShader .*\(SwiftShader driver .*; no float16; tensors of up to 1\.1 GB; memory of .*\), which is the processor again$/,
  );
});
