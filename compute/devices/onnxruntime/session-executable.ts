import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Executable, TensorData, Tensors } from "../../device.ts";
import { DeviceError } from "../../device-error.ts";
import { type Graph, hostType, nameOf, type TypedArray } from "../../graph.ts";
import { checkedInput } from "../checked-input.ts";

export type Runtime = typeof import("onnxruntime-node");

/**
 * ONNX Runtime's module; a DeviceError where it cannot be loaded. Its official builds since 1.29 report their use over
 * the network and keep an identifier in the user's folder, from when they are loaded: not here, unless the user sets
 * ORT_DISABLE_TELEMETRY=0.
 */
export async function loadRuntime(): Promise<Runtime> {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new DeviceError(
      "device-missing",
      "onnxruntime-node could not be loaded.",
      "It needs linux, windows or macOS on arm64, or linux or windows on x64; try `npm rebuild onnxruntime-node`.",
      cause,
    );
  }
}

/** The runtime with its version, as facts name it: `onnxruntime 1.30.0`. */
export function runtimeName({ env: { versions } }: Runtime): string {
  return `onnxruntime ${versions.node ?? versions.common}`;
}

/**
 * Optimizers that CompileOptions.repeats turns off: the first rounds a sum otherwise where nothing reads it before its
 * norm, the second computes equal operations once.
 */
export const NOT_WITH_REPEATS = "SkipLayerNormFusion;CommonSubexpressionElimination";

/**
 * Optimizers that a device with memory of its own goes without: of what depends on no input, each session would keep
 * a copy there for good; zeros as large as the embeddings are among it.
 */
export function notOnDevices(repeats: boolean): string {
  return repeats ? `ConstantFolding;${NOT_WITH_REPEATS}` : "ConstantFolding";
}

/** A graph as a session of ONNX Runtime: tensors come from the host and go back to it at each run. */
export class SessionExecutable implements Executable {
  readonly #runtime: Runtime;
  readonly #graph: Graph;
  readonly #session: InferenceSession;

  constructor(runtime: Runtime, graph: Graph, session: InferenceSession) {
    this.#runtime = runtime;
    this.#graph = graph;
    this.#session = session;
  }

  async run(
    inputs: ReadonlyMap<string, TensorData> | Tensors,
  ): Promise<Record<string, TensorData>> {
    const given = inputs instanceof Map ? inputs : new Map(Object.entries(inputs));
    const feeds: Record<string, Tensor> = {};
    for (const value of this.#graph.inputs) {
      const { data } = checkedInput(value, given.get(nameOf(value)));
      const { dtype, shape } = value;
      feeds[nameOf(value)] = new this.#runtime.Tensor(hostType(dtype), data as never, shape);
    }
    const fetched = await this.#session.run(feeds);
    return Object.fromEntries(
      Array.from(this.#graph.outputs, ([name, { dtype, shape }]) => {
        const data = fetched[name]!.data as TypedArray;
        return [name, { dtype, shape, data }];
      }),
    );
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
