import type { TensorData } from "../../device.ts";
import { type Shape, sizeOf } from "../../graph.ts";
import type { DeviceCopies } from "./device-tensors.ts";
import type { OrtApi } from "./ort-api.ts";
import type { OnHost } from "./ort-executable.ts";
import type { OrtPool } from "./ort-pool.ts";
import { OrtTensor } from "./ort-tensor.ts";

/** Copies tensors between the host and a provider's memory: a graph that does nothing moves them. */
export class OrtCopies implements DeviceCopies<OrtTensor> {
  readonly #api: OrtApi;
  readonly #pool: OrtPool;
  readonly #onHost: OnHost;

  constructor(api: OrtApi, pool: OrtPool, onHost: OnHost) {
    this.#api = api;
    this.#pool = pool;
    this.#onHost = onHost;
  }

  async toDevice(tensor: TensorData): Promise<OrtTensor> {
    const x = this.#onHost(tensor);
    try {
      return await this.duplicate(x);
    } finally {
      x.release();
    }
  }

  async duplicate(x: OrtTensor): Promise<OrtTensor> {
    const y = this.#allocate(x.shape);
    try {
      this.#copy(x, y);
    } catch (error) {
      y.release();
      throw error;
    }
    return y;
  }

  async toHost(x: OrtTensor): Promise<Float32Array> {
    const data = new Float32Array(sizeOf(x.shape));
    const y = this.#onHost({ dtype: "float32", shape: x.shape, data });
    try {
      this.#copy(x, y);
    } finally {
      y.release();
    }
    return data;
  }

  dispose(x: OrtTensor): void {
    x.release();
  }

  /** The pool of all sessions gives back what it keeps for the next run: other processes may want it. */
  trim(): void {
    const api = this.#api;
    const options = api.make("CreateRunOptions");
    const name = "memory.enable_memory_arena_shrinkage";
    const of = () => this.#onHost({ dtype: "float32", shape: [], data: new Float32Array(1) });
    const [x, y] = [of(), of()];
    try {
      api.call("AddRunConfigEntry", options, name, this.#pool.name);
      this.#pool.copier.run(new Map([["x", x]]), new Map([["y", y]]), options);
    } catch {
      // A device that was lost: its memory goes with the process.
    } finally {
      for (const tensor of [x, y]) tensor.release();
      api.release("ReleaseRunOptions", options);
    }
  }

  #copy(x: OrtTensor, y: OrtTensor): void {
    this.#pool.copier.run(new Map([["x", x]]), new Map([["y", y]]));
  }

  #allocate(shape: Shape): OrtTensor {
    return OrtTensor.allocated(this.#api, this.#pool.allocator, shape);
  }
}
