import { FATAL, type Handle, type OrtApi } from "./ort-api.ts";
import type { OrtTensor } from "./ort-tensor.ts";
import { notOnDevices } from "./session-executable.ts";

/** What computes under ONNX Runtime. */
export interface OrtProvider {
  /** As ONNX Runtime names it: `CUDAExecutionProvider`. */
  readonly name: string;
  /** The memory that its tensors stay in, as ONNX Runtime names it: `Cuda`, `Cpu`. */
  readonly memory: string;
  /** The number of the device. */
  readonly device: number;
  /** The memory as settings of a run name it: `gpu:0`. */
  readonly pool: string;
  /** Its settings. */
  readonly options: Readonly<Record<string, string>>;
  /** Adds it to the options of a session. */
  append(api: OrtApi, options: Handle): void;
}

const ALL_OPTIMIZATIONS = 99;

/** A model made ready for a provider, with tensors bound to its inputs and outputs at each run. */
export class OrtSession {
  readonly #api: OrtApi;
  readonly #handle: Handle;

  /** `repeats` as in CompileOptions. Throws DeviceError where the device has no room for it. */
  constructor(api: OrtApi, provider: OrtProvider, model: Uint8Array, { repeats = false } = {}) {
    this.#api = api;
    const options = api.make("CreateSessionOptions");
    try {
      api.call("SetSessionGraphOptimizationLevel", options, ALL_OPTIMIZATIONS);
      api.call("SetSessionLogSeverityLevel", options, FATAL);
      api.call("SetIntraOpNumThreads", options, 1);
      api.call("SetDeterministicCompute", options, true);
      // From the second run on, a pattern would take all of a run's memory in one piece, beside the pieces of the first.
      api.call("DisableMemPattern", options);
      api.call(
        "AddSessionConfigEntry",
        options,
        "optimization.disable_specified_optimizers",
        notOnDevices(repeats),
      );
      api.call("AddSessionConfigEntry", options, "session.use_env_allocators", "1");
      provider.append(api, options);
      this.#handle = api.make("CreateSessionFromArray", api.env, model, model.length, options);
    } finally {
      api.release("ReleaseSessionOptions", options);
    }
  }

  /** Computes from tensors into tensors, which lie on the host or the device; copies what lies on the wrong side. */
  run(
    inputs: ReadonlyMap<string, OrtTensor>,
    outputs: ReadonlyMap<string, OrtTensor>,
    options: Handle | null = null,
  ): void {
    const api = this.#api;
    const binding = api.make("CreateIoBinding", this.#handle);
    try {
      for (const [name, { handle }] of inputs) api.call("BindInput", binding, name, handle);
      api.call("SynchronizeBoundInputs", binding);
      for (const [name, { handle }] of outputs) api.call("BindOutput", binding, name, handle);
      api.call("RunWithBinding", this.#handle, options, binding);
      api.call("SynchronizeBoundOutputs", binding);
    } finally {
      api.release("ReleaseIoBinding", binding);
    }
  }

  /** What allocates the memory that `info` describes. */
  allocator(info: Handle): Handle {
    return this.#api.make("CreateAllocator", this.#handle, info);
  }

  release(): void {
    this.#api.release("ReleaseSession", this.#handle);
  }
}
