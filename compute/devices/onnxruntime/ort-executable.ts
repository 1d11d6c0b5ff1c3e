import type { Executable, TensorData, Tensors } from "../../device.ts";
import { type Graph, nameOf, newArray, sizeOf } from "../../graph.ts";
import { checkedInput } from "../checked-input.ts";
import type { Residence } from "./device-tensors.ts";
import type { OrtSession } from "./ort-session.ts";
import type { OrtTensor } from "./ort-tensor.ts";

/** A tensor over memory of the host's. */
export type OnHost = (tensor: TensorData) => OrtTensor;

/** A graph on a provider of ONNX Runtime's, with what is held read and written where it lies. */
export class OrtExecutable implements Executable {
  readonly #graph: Graph;
  readonly #session: OrtSession;
  readonly #onHost: OnHost;
  readonly #residence: Residence<OrtTensor> | undefined;

  constructor(
    graph: Graph,
    session: OrtSession,
    { onHost, residence }: { onHost: OnHost; residence?: Residence<OrtTensor> | undefined },
  ) {
    this.#graph = graph;
    this.#session = session;
    this.#onHost = onHost;
    this.#residence = residence;
  }

  async run(
    inputs: ReadonlyMap<string, TensorData> | Tensors,
  ): Promise<Record<string, TensorData>> {
    const given = this.#given(inputs instanceof Map ? inputs : new Map(Object.entries(inputs)));
    const returned = this.#returned();
    const onHost: OrtTensor[] = [];
    const tensorOf = (held: OrtTensor | undefined, tensor: TensorData | undefined) => {
      if (held !== undefined) return held;
      const made = this.#onHost(tensor!);
      onHost.push(made);
      return made;
    };
    try {
      const read = this.#graph.inputs.map((value) => {
        const name = nameOf(value);
        return [name, tensorOf(this.#residence?.tensorOf(name), given.get(name))] as const;
      });
      const written = [...this.#graph.outputs.keys()].map(
        (name) => [name, tensorOf(this.#residence?.spareOf(name), returned[name])] as const,
      );
      this.#session.run(new Map(read), new Map(written));
    } finally {
      for (const tensor of onHost) tensor.release();
    }
    this.#residence?.ran({
      toDevice: bytesOf(given.values()),
      toHost: bytesOf(Object.values(returned)),
    });
    return returned;
  }

  async release(): Promise<void> {
    this.#session.release();
  }

  /** What the caller gives for the inputs that are not held. */
  #given(inputs: ReadonlyMap<string, TensorData>): ReadonlyMap<string, TensorData> {
    const given = new Map<string, TensorData>();
    for (const value of this.#graph.inputs) {
      const name = nameOf(value);
      if (this.#residence?.tensorOf(name) === undefined)
        given.set(name, checkedInput(value, inputs.get(name)));
    }
    return given;
  }

  /** Room for the outputs that are not to be held. */
  #returned(): Record<string, TensorData> {
    const returned: Record<string, TensorData> = {};
    for (const [name, { dtype, shape }] of this.#graph.outputs)
      if (this.#residence?.spareOf(name) === undefined)
        returned[name] = { dtype, shape, data: newArray(dtype, sizeOf(shape)) };
    return returned;
  }
}

function bytesOf(tensors: Iterable<TensorData>): number {
  let bytes = 0;
  for (const { data } of tensors) bytes += data.byteLength;
  return bytes;
}
