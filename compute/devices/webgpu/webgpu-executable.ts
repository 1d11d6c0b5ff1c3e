import type { InferenceSession, OnnxValue, Tensor } from "onnxruntime-node";
import type { Executable, TensorData, Tensors } from "../../device.ts";
import { DeviceError } from "../../device-error.ts";
import { type Graph, hostType, nameOf, type TypedArray, type Value } from "../../graph.ts";
import { checkedInput } from "../checked-input.ts";
import { deviceFailure } from "../device-failure.ts";
import type { Residence } from "../onnxruntime/device-tensors.ts";
import type { Runtime } from "../onnxruntime/session-executable.ts";

/** A graph on the WebGPU provider. */
export class WebgpuExecutable implements Executable {
  readonly #runtime: Runtime;
  readonly #graph: Graph;
  readonly #session: InferenceSession;
  readonly #residence: Residence<Tensor> | undefined;

  /** `graph` is what the caller gave: the session is of what webgpuGraph made of it. */
  constructor(
    runtime: Runtime,
    graph: Graph,
    session: InferenceSession,
    residence?: Residence<Tensor> | undefined,
  ) {
    this.#runtime = runtime;
    this.#graph = graph;
    this.#session = session;
    this.#residence = residence;
  }

  async run(
    inputs: ReadonlyMap<string, TensorData> | Tensors,
  ): Promise<Record<string, TensorData>> {
    const given = inputs instanceof Map ? inputs : new Map(Object.entries(inputs));
    let [toDevice, toHost] = [0, 0];
    const feeds: Record<string, Tensor> = {};
    for (const value of this.#graph.inputs) {
      const name = nameOf(value);
      const held = this.#residence?.tensorOf(name);
      feeds[name] = held ?? this.#hostTensor(value, given.get(name));
      if (held === undefined) toDevice += bytesOf(value);
    }
    const fetched = await this.#fetch(feeds);
    const returned: Record<string, TensorData> = {};
    for (const [name, value] of this.#graph.outputs) {
      if (this.#residence?.spareOf(name) !== undefined) continue;
      returned[name] = widened(value, fetched[name]!.data as TypedArray);
      toHost += bytesOf(value);
    }
    this.#residence?.ran({ toDevice, toHost });
    return returned;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #fetch(feeds: Record<string, Tensor>) {
    const fetches: Record<string, OnnxValue | null> = {};
    for (const name of this.#graph.outputs.keys())
      fetches[name] = this.#residence?.spareOf(name) ?? null;
    try {
      return await this.#session.run(feeds, fetches);
    } catch (error) {
      throw deviceFailure(error);
    }
  }

  #hostTensor(value: Value, given: TensorData | undefined): Tensor {
    const { data } = checkedInput(value, given);
    if (!(data instanceof BigInt64Array))
      return new this.#runtime.Tensor(hostType(value.dtype), data as never, value.shape);
    return new this.#runtime.Tensor("int32", asInt32(nameOf(value), data), value.shape);
  }
}

/** Bytes of a value as they go to the device and come from it: int64 goes as int32. */
function bytesOf({ dtype, shape }: Value): number {
  const width = dtype === "bool" || dtype === "uint8" ? 1 : 4;
  return shape.reduce((product, size) => product * size, width);
}

function asInt32(name: string, data: BigInt64Array): Int32Array {
  const narrow = Int32Array.from(data, Number);
  if (data.every((element, i) => element === BigInt(narrow[i]!))) return narrow;
  throw new DeviceError(
    "device-input",
    `Input "${name}" has numbers beyond 32 bits, which a graphics device does not compute with.`,
    "Run it on the CPU.",
  );
}

function widened({ dtype, shape }: Value, data: TypedArray): TensorData {
  const elements = dtype === "int64" ? BigInt64Array.from(data as Int32Array, BigInt) : data;
  return { dtype, shape, data: elements };
}
