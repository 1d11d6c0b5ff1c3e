import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DeviceError } from "../../device-error.ts";
import { runtimeFolder } from "../onnxruntime/runtime-library.ts";
import { type NvidiaDriver, nvidiaDriver } from "./nvidia-driver.ts";

/** What CUDA needs, as this machine has it. */
export interface CudaSystem {
  /** `linux-x64`, … */
  readonly platform: string;
  /** Where onnxruntime-node's libraries lie. */
  readonly folder: string;
  /** Where the loader looks before the system's folders. */
  readonly libraryFolders: readonly string[];
  /** What `ldd` prints of a library: what it links, and where that was found. */
  librariesOf(path: string): string;
  /** What `ldconfig -p` prints: the libraries that the system knows. */
  knownLibraries(): string;
  /** Whether koffi, by which ONNX Runtime's C functions are called, has its binary. */
  hasKoffi(): boolean;
  /** Absent where there is none. */
  driver(): NvidiaDriver | undefined;
}

/** A CUDA that is whole. */
export interface CudaAdapter {
  /** The graphics devices, by their numbers. */
  readonly gpus: readonly string[];
  readonly driver: string;
}

const PROVIDER = ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"];

/** The command that installs what the package of onnxruntime-node leaves out. It is never run by itself. */
const CUDA_INSTALL =
  "node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12";

/** CUDA as ONNX Runtime needs it; a DeviceError that lists all that is missing. Loads nothing. */
export function findCuda(system: CudaSystem = thisSystem): CudaAdapter {
  if (system.platform !== "linux-x64")
    throw new DeviceError(
      "device-missing",
      `onnxruntime-node has no CUDA for ${system.platform}.`,
      "use --device webgpu: it needs nothing but the graphics driver",
    );
  if (PROVIDER.some((name) => !existsSync(join(system.folder, name))))
    throw new DeviceError(
      "device-missing",
      "onnxruntime-node's CUDA provider is not installed.",
      `it is a download of its own: ${CUDA_INSTALL}; or use --device webgpu, which needs none`,
    );
  if (!system.hasKoffi())
    throw new DeviceError(
      "device-missing",
      "The CUDA provider is installed, but koffi, by which it is reached, lacks its own binary.",
      "install tunesmith's packages again, with the optional ones: npm ci --include=optional",
    );
  const driver = system.driver();
  const listing = system.librariesOf(join(system.folder, PROVIDER[0]!));
  const cuda = /libcudart\.so\.(\d+)/.exec(listing)?.[1] ?? "";
  const missing = [...missingDriver(driver, cuda), ...missingLibraries(listing, system)];
  if (driver === undefined || missing.length > 0)
    throw new DeviceError(
      "device-missing",
      `The CUDA provider is installed, but it misses ${missing.join(", ")}.`,
      `install NVIDIA's driver, ${`CUDA ${cuda}`.trim()} and cuDNN 9, or add their folders to LD_LIBRARY_PATH; or use --device webgpu`,
    );
  return { gpus: driver.gpus, driver: driver.version };
}

/** The first driver that runs a major version of CUDA. https://docs.nvidia.com/cuda/cuda-toolkit-release-notes */
const FIRST_DRIVER: Readonly<Record<string, number>> = { 12: 525, 13: 580 };

function missingDriver(driver: NvidiaDriver | undefined, cuda: string): string[] {
  if (driver === undefined) return ["NVIDIA's driver"];
  const first = FIRST_DRIVER[cuda];
  if (first === undefined || !(Number.parseInt(driver.version, 10) < first)) return [];
  return [`NVIDIA's driver ${first} or later (${driver.version} is there)`];
}

/** Libraries that the provider links and that are not found; and cuDNN, which it loads when it first computes. */
function missingLibraries(listing: string, system: CudaSystem): string[] {
  const missing = [...listing.matchAll(/^\s*(\S+) => not found/gm)]
    .map(([, name]) => name!)
    .filter((name) => name !== "libcuda.so.1" || system.driver() !== undefined); // it comes with it
  const beside = [...listing.matchAll(/=> (\/\S+)/g)].map(([, path]) => dirname(path!));
  const folders = new Set([...system.libraryFolders, ...beside]);
  const isCudnn = (name: string) => /^libcudnn\.so\.9/.test(name);
  const hasCudnn =
    /libcudnn\.so\.9/.test(system.knownLibraries()) ||
    [...folders].some((path) => existsSync(path) && readdirSync(path).some(isCudnn));
  if (!hasCudnn && !missing.some(isCudnn)) missing.push("libcudnn.so.9");
  return missing;
}

const thisSystem: CudaSystem = {
  platform: `${process.platform}-${process.arch}`,
  get folder() {
    return runtimeFolder();
  },
  get libraryFolders() {
    return process.env.LD_LIBRARY_PATH?.split(":").filter((path) => path !== "") ?? [];
  },
  librariesOf: (path) => spawnSync("ldd", [path], { encoding: "utf8" }).stdout ?? "",
  knownLibraries: () => spawnSync("ldconfig", ["-p"], { encoding: "utf8" }).stdout ?? "",
  hasKoffi() {
    try {
      const koffi = createRequire(import.meta.url).resolve("koffi");
      createRequire(koffi).resolve("@koromix/koffi-linux-x64");
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return false;
      throw error;
    }
  },
  driver: nvidiaDriver,
};
