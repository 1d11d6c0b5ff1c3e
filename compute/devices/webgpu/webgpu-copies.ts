import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { TensorData } from "../../device.ts";
import { copyModel } from "../../onnx/copy-model.ts";
import { deviceFailure } from "../device-failure.ts";
import type { DeviceCopies } from "../onnxruntime/device-tensors.ts";
import type { Runtime } from "../onnxruntime/session-executable.ts";
import { refuseLargeWeight } from "./refuse-large-tensors.ts";

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
export class WebgpuCopies implements DeviceCopies<Tensor> {
  readonly #runtime: Runtime;
  readonly #open: OpenSession;
  readonly #largest: number;
  readonly #sessions = new Map<"device" | "host", Promise<InferenceSession>>();

  /** `largest`: bytes of the largest tensor that the device takes. */
  constructor(runtime: Runtime, open: OpenSession, largest: number) {
    this.#runtime = runtime;
    this.#open = open;
    this.#largest = largest;
  }

  async toDevice({ shape, data }: TensorData): Promise<Tensor> {
    refuseLargeWeight(shape, data.byteLength, this.#largest);
    return this.#copy(new this.#runtime.Tensor("float32", data as Float32Array, shape), "device");
  }

  duplicate(x: Tensor): Promise<Tensor> {
    return this.#copy(x, "device");
  }

  async toHost(x: Tensor): Promise<Float32Array> {
    return (await this.#copy(x, "host")).data as Float32Array;
  }

  dispose(x: Tensor): void {
    x.dispose();
  }

  async #copy(x: Tensor, to: "device" | "host"): Promise<Tensor> {
    const session = await this.#session(to);
    try {
      return (await session.run({ x })).y!;
    } catch (error) {
      throw deviceFailure(error);
    }
  }

  #session(to: "device" | "host"): Promise<InferenceSession> {
    const made =
      this.#sessions.get(to) ?? this.#open(copyModel(), { keepsOutputs: to === "device" });
    this.#sessions.set(to, made);
    return made;
  }
}
