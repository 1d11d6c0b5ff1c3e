import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Device, DeviceFacts, Executable, TensorData, Tensors } from "../device.ts";
import { DeviceError } from "../device-error.ts";
import { type Graph, nameOf, type TypedArray } from "../graph.ts";
import { exportOnnx } from "../onnx/export-onnx.ts";
import { checkedInput } from "./checked-input.ts";
import { instructionSet } from "./instruction-set.ts";
import { peakMemory } from "./peak-memory.ts";
import { steadyProducts } from "./steady-products.ts";

type Runtime = typeof import("onnxruntime-node");

export interface OnnxruntimeOptions {
  /** Threads that one operation may use. Results do not depend on it. */
  readonly threads: number;
  /** Whether idle threads spin for work: faster where the cores are free, slower where they are shared. */
  readonly spinning?: boolean;
}

/**
 * The processor, by ONNX Runtime. Throws DeviceError where onnxruntime-node cannot be loaded. From the first
 * compilation on, numbers too small for full precision count as 0, in this thread's JavaScript as well.
 */
export async function openOnnxruntimeDevice(options: OnnxruntimeOptions): Promise<Device> {
  const runtime = await loadRuntime();
  const facts: DeviceFacts = {
    kind: "cpu",
    runtime: `onnxruntime ${runtime.env.versions.node ?? runtime.env.versions.common}`,
    platform: `${process.platform}-${process.arch}`,
    instructionSet: instructionSet(),
    threads: options.threads,
  };
  return {
    facts,
    async compile(graph, { repeats = false } = {}) {
      const session = await runtime.InferenceSession.create(
        exportOnnx(steadyProducts(graph)),
        sessionOptions(options, repeats),
      );
      return new OnnxruntimeExecutable(runtime, graph, session);
    },
    peakBytes: (graph, given) => peakMemory(steadyProducts(graph), given),
  };
}

async function loadRuntime(): Promise<Runtime> {
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

/** The first rounds a sum otherwise where nothing reads it before its norm, the second computes equal operations once. */
const NOT_WITH_REPEATS = "SkipLayerNormFusion;CommonSubexpressionElimination";

function sessionOptions(
  { threads, spinning = true }: OnnxruntimeOptions,
  repeats: boolean,
): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // An arena would belong to one compiled graph and keep the memory of its largest run: 8 batch
    // shapes of a 6-layer BERT held 4.5 GB. Without, they share the allocator's, 0.9 GB in all.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: {
      session: {
        set_denormal_as_zero: "1",
        intra_op: { allow_spinning: spinning ? "1" : "0" },
      },
      ...(repeats && { optimization: { disable_specified_optimizers: NOT_WITH_REPEATS } }),
    },
  };
}

class OnnxruntimeExecutable implements Executable {
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
      feeds[nameOf(value)] = new this.#runtime.Tensor(value.dtype, data as never, value.shape);
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
