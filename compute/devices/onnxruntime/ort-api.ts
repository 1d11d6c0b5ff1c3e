import type { KoffiFunc } from "koffi";
import { DeviceError } from "../../device-error.ts";
import { deviceFailure } from "../device-failure.ts";
import { installedVersion } from "../installed-version.ts";
import { runtimeLibrary } from "./runtime-library.ts";
import { loadRuntime } from "./session-executable.ts";

type Koffi = typeof import("koffi");

/** The address of something that ONNX Runtime made. */
export type Handle = bigint;

/** What the C types of parameters are here. Arrays are read and written where they lie. */
interface Types {
  int: number;
  size_t: number;
  bool: boolean;
  str: string;
  "const char **": readonly string[];
  "void *": Handle | ArrayBufferView | null;
}

type Signature = readonly [slot: number, ...parameters: (keyof Types)[]];

type Given<S extends Signature> = S extends readonly [number, ...infer Parameters]
  ? { [I in keyof Parameters]: Parameters[I] extends keyof Types ? Types[Parameters[I]] : never }
  : never;

// The places of functions in struct OrtApi of onnxruntime_c_api.h, which releases only append to.

/** Functions that give what they made through a last parameter, which is left out here. */
const makers = {
  CreateEnv: [3, "int", "str"],
  CreateSessionFromArray: [8, "void *", "void *", "size_t", "void *"],
  CreateSessionOptions: [10],
  CreateRunOptions: [39],
  CreateTensorAsOrtValue: [48, "void *", "void *", "size_t", "int"],
  CreateTensorWithDataAsOrtValue: [49, "void *", "void *", "size_t", "void *", "size_t", "int"],
  CreateMemoryInfo: [68, "str", "int", "int", "int"],
  CreateAllocator: [131, "void *", "void *"],
  CreateIoBinding: [134, "void *"],
  CreateArenaCfgV2: [164, "const char **", "void *", "size_t"],
  CreateCUDAProviderOptions: [205],
} as const satisfies Record<string, Signature>;

const actions = {
  DisableMemPattern: [17, "void *"],
  SetSessionLogSeverityLevel: [22, "void *", "int"],
  SetSessionGraphOptimizationLevel: [23, "void *", "int"],
  SetIntraOpNumThreads: [24, "void *", "int"],
  AddSessionConfigEntry: [130, "void *", "str", "str"],
  RunWithBinding: [133, "void *", "void *", "void *"],
  BindInput: [136, "void *", "str", "void *"],
  BindOutput: [137, "void *", "str", "void *"],
  AddRunConfigEntry: [165, "void *", "str", "str"],
  SynchronizeBoundInputs: [202, "void *"],
  SynchronizeBoundOutputs: [203, "void *"],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, "void *", "void *"],
  UpdateCUDAProviderOptions: [206, "void *", "const char **", "const char **", "size_t"],
  CreateAndRegisterAllocatorV2: [
    259,
    "void *",
    "str",
    "void *",
    "void *",
    "const char **",
    "const char **",
    "size_t",
  ],
  SetDeterministicCompute: [273, "void *", "bool"],
} as const satisfies Record<string, Signature>;

const releases = {
  ReleaseStatus: 93,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseSessionOptions: 100,
  ReleaseIoBinding: 135,
  ReleaseArenaCfg: 157,
  ReleaseCUDAProviderOptions: 208,
} as const;

const GET_ERROR_MESSAGE = 2;
/** A version whose table has all of these functions. */
const API_VERSION = 23;
const SLOTS = 274;
/** Of what goes wrong, only what ends the process is written to stderr: all else is thrown. */
export const FATAL = 4;

/**
 * ONNX Runtime's C functions. Each throws an Error with ONNX Runtime's message where its status is one: a DeviceError,
 * where that says what to do.
 */
export class OrtApi {
  readonly version: string;
  /** Whose sessions and settings of the process all are; it lives as long as the process. */
  readonly env: Handle;
  readonly #functions: ReadonlyMap<string, (...given: unknown[]) => unknown>;
  #isLost = false;

  constructor(version: string, functions: ReadonlyMap<string, (...given: unknown[]) => unknown>) {
    this.version = version;
    this.#functions = functions;
    this.env = this.make("CreateEnv", FATAL, "tunesmith");
  }

  /** Makes something, to be released. */
  make<Name extends keyof typeof makers>(
    name: Name,
    ...given: Given<(typeof makers)[Name]>
  ): Handle {
    const made: [Handle | null] = [null];
    this.#check(this.#functions.get(name)!(...given, made));
    return made[0]!;
  }

  call<Name extends keyof typeof actions>(
    name: Name,
    ...given: Given<(typeof actions)[Name]>
  ): void {
    this.#check(this.#functions.get(name)!(...given));
  }

  /** After the device was lost nothing is released: ONNX Runtime would end the process at CUDA's first refusal. */
  release(name: keyof typeof releases, handle: Handle): void {
    if (!this.#isLost) this.#functions.get(name)!(handle);
  }

  #check(status: unknown): void {
    if (status === null) return;
    const message = this.#functions.get("GetErrorMessage")!(status) as string;
    this.release("ReleaseStatus", status as Handle);
    const failure = deviceFailure(new Error(message));
    this.#isLost ||= failure instanceof DeviceError && failure.code === "device-lost";
    throw failure;
  }
}

/** Where the library comes from: tests put others in place. */
export interface OrtSource {
  readonly path?: string;
  /** The version that it must have. */
  readonly version?: string | undefined;
  loadKoffi?(): Promise<Koffi>;
}

/** By the library's path: what was lost for one user of it is lost for all. */
const opened = new Map<string, OrtApi>();

/**
 * The C functions of the ONNX Runtime that onnxruntime-node brings, the same for all of the process. A DeviceError where koffi or the library cannot be
 * loaded, or is another version: with a wrong table of functions, calls would end the process.
 */
export async function openOrtApi({
  path = runtimeLibrary(),
  version = installedVersion("onnxruntime-node"),
  loadKoffi = () => import("koffi"),
}: OrtSource = {}): Promise<OrtApi> {
  // Keeps the library to the end: koffi gives up what it loaded before providers, when the process ends, still use it.
  await loadRuntime();
  const [koffi, getBase] = await loadLibrary(path, loadKoffi);
  const [getApi, getVersion] = koffi.decode(getBase(), koffi.array("void *", 2)) as Handle[];
  const found = koffi.call(getVersion, koffi.proto("str", [])) as string;
  const table =
    found === version
      ? (koffi.call(getApi, koffi.proto("void *", ["uint32"]), API_VERSION) as Handle | null)
      : null;
  if (table === null)
    throw new DeviceError(
      "device-missing",
      `${path} is ONNX Runtime ${found}, not ${version}.`,
      "install tunesmith's packages again: npm ci",
    );
  const api = opened.get(path) ?? new OrtApi(found, functionsOf(koffi, table));
  opened.set(path, api);
  return api;
}

async function loadLibrary(
  path: string,
  loadKoffi: () => Promise<Koffi>,
): Promise<[Koffi, () => Handle]> {
  try {
    const koffi = await loadKoffi();
    const getBase = koffi.load(path).func("OrtGetApiBase", "void *", []);
    keepLoaded(koffi, path);
    return [koffi, getBase as KoffiFunc<() => Handle>];
  } catch (cause) {
    throw new DeviceError(
      "device-missing",
      `ONNX Runtime's C functions could not be loaded from ${path}: ${(cause as Error).message}`,
      "install tunesmith's packages again, with the optional ones (koffi's own binary is one): npm ci",
      cause,
    );
  }
}

/**
 * koffi closes a library when nothing refers to its functions by name any more, and at the end of the process: under
 * those that came out of the table, and under a provider that says goodbye after it. Opened once more it stays.
 */
function keepLoaded(koffi: Koffi, path: string): void {
  const RTLD_NOW = 2;
  koffi.load(null).func("dlopen", "void *", ["str", "int"])(path, RTLD_NOW);
}

function functionsOf(koffi: Koffi, table: Handle): ReadonlyMap<string, KoffiFunc<() => unknown>> {
  const slots = koffi.decode(table, koffi.array("void *", SLOTS)) as Handle[];
  const of = (slot: number, result: string, parameters: Parameters<Koffi["proto"]>[3]) =>
    koffi.decode(slots[slot], koffi.proto(result, parameters));
  const made = koffi.out(koffi.pointer("void *"));
  return new Map([
    ["GetErrorMessage", of(GET_ERROR_MESSAGE, "str", ["void *"])],
    ...Object.entries(makers).map(
      ([name, [slot, ...parameters]]) => [name, of(slot, "void *", [...parameters, made])] as const,
    ),
    ...Object.entries(actions).map(
      ([name, [slot, ...parameters]]) => [name, of(slot, "void *", [...parameters])] as const,
    ),
    ...Object.entries(releases).map(
      ([name, slot]) => [name, of(slot, "void", ["void *"])] as const,
    ),
  ]);
}
