import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { TensorData } from "../device.ts";
import { type OnnxValueInfo, writeModel } from "../onnx/model-proto.ts";
import { deviceFailure } from "./device-failure.ts";
import type { Runtime } from "./session-executable.ts";

/** How a session differs from others. */
export interface SessionNeeds {
  /** Whether its outputs stay on the device. */
  readonly keepsOutputs?: boolean;
  /** As in CompileOptions. */
  readonly repeats?: boolean;
}

/** A session of ONNX Runtime whose operations all run on the graphics device, or a DeviceError. */
export type OpenSession = (model: Uint8Array, needs?: SessionNeeds) => Promise<InferenceSession>;

/** Copies tensors of float32 between the host and the graphics device: a graph that does nothing moves them. */
export class WebgpuCopies {
  readonly #runtime: Runtime;
  readonly #open: OpenSession;
  readonly #sessions = new Map<string, Promise<InferenceSession>>();

  constructor(runtime: Runtime, open: OpenSession) {
    this.#runtime = runtime;
    this.#open = open;
  }

  /** A tensor on the device, to be disposed of. */
  toDevice({ shape, data }: TensorData): Promise<Tensor> {
    return this.#copy(new this.#runtime.Tensor("float32", data as Float32Array, shape), "device");
  }

  /** Another tensor on the device, of the same elements. */
  duplicate(x: Tensor): Promise<Tensor> {
    return this.#copy(x, "device");
  }

  /** Its elements on the host. */
  async toHost(x: Tensor): Promise<Float32Array> {
    return (await this.#copy(x, "host")).data as Float32Array;
  }

  async #copy(x: Tensor, to: "device" | "host"): Promise<Tensor> {
    const session = await this.#session(x.dims.length, to);
    try {
      return (await session.run({ x })).y!;
    } catch (error) {
      throw deviceFailure(error);
    }
  }

  #session(rank: number, to: "device" | "host"): Promise<InferenceSession> {
    const key = `${rank} ${to}`;
    const made =
      this.#sessions.get(key) ?? this.#open(copyModel(rank), { keepsOutputs: to === "device" });
    this.#sessions.set(key, made);
    return made;
  }
}

/** The sizes are open, so that one session serves all tensors with so many axes. */
function copyModel(rank: number): Uint8Array {
  const info = (name: string): OnnxValueInfo => ({
    name,
    dtype: "float32",
    sizes: new Array<undefined>(rank).fill(undefined),
  });
  return writeModel({
    name: "copy",
    inputs: [info("x")],
    outputs: [info("y")],
    initializers: new Map(),
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"], attributes: {} }],
  });
}
