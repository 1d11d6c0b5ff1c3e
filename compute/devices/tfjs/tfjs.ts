import type { Tensor } from "@tensorflow/tfjs-core";
import type { CompileOptions, Device, Executable, TensorData, Tensors } from "../../device.ts";
import { type ExecutionPlan, executionPlan, type PlannedNode } from "../../execution-plan.ts";
import { expandComposites } from "../../expand-composites.ts";
import { type Graph, graphOf, nameOf, type TypedArray, type Value } from "../../graph.ts";
import { mergeEqual } from "../../merge-equal.ts";
import { pushDownSlices } from "../../push-down-slices.ts";
import { checkedInput } from "../checked-input.ts";
import { withFailures } from "../device-failure.ts";
import { instructionSet } from "../onnxruntime/instruction-set.ts";
import { steadyScatters } from "../steady-scatter.ts";
import { fromTf, type TensorFlow, tfOperations, tfTypeOf, toTf } from "./tfjs-operations.ts";
import { openTfjsRuntime, type TfjsKind, type TfjsOptions } from "./tfjs-runtime.ts";
import { withBackend } from "./tfjs-turn.ts";

/**
 * A TensorFlow.js backend, which computes a graph operation by operation. Throws DeviceError where its
 * packages are missing or cannot be loaded. Integers have 32 bits, whatever the graph says.
 */
export async function openTfjsDevice(kind: TfjsKind, options?: TfjsOptions): Promise<Device> {
  const { runtime, ...chosen } = await openTfjsRuntime(kind, options);
  const isGpu = kind === "tfjs-node-gpu";
  return {
    facts: {
      kind,
      runtime,
      platform: `${process.platform}-${process.arch}`,
      instructionSet: instructionSet(),
      threads: 1,
    },
    async compile(graph, options) {
      const steady = isGpu ? steadyScatters(graph) : graph; // CUDA adds in any order
      const plan = executionPlan(operationsOf(steady, options));
      const executable = await withBackend(chosen, () => new TfjsExecutable(chosen, graph, plan));
      return isGpu ? withFailures(executable) : executable;
    },
  };
}

/** TensorFlow.js, and the name of the backend that is to compute. */
interface Chosen {
  readonly tf: TensorFlow;
  readonly backend: string;
}

class TfjsExecutable implements Executable {
  readonly #chosen: Chosen;
  readonly #graph: Graph;
  readonly #plan: ExecutionPlan;
  readonly #constants: ReadonlyMap<number, Tensor>;

  /** Of a plan of the graph, written in operations that are here. The backend must be at work. */
  constructor(chosen: Chosen, graph: Graph, plan: ExecutionPlan) {
    this.#chosen = chosen;
    this.#graph = graph;
    this.#plan = plan;
    this.#constants = new Map(
      Array.from(this.#plan.constants, ([value, number]) => [
        number,
        this.#upload(value, value.attributes.data as TypedArray),
      ]),
    );
  }

  async run(
    inputs: ReadonlyMap<string, TensorData> | Tensors,
  ): Promise<Record<string, TensorData>> {
    const given = inputs instanceof Map ? inputs : new Map(Object.entries(inputs));
    for (const value of this.#graph.inputs) checkedInput(value, given.get(nameOf(value)));
    const held = new Map<number, Tensor>();
    try {
      await withBackend(this.#chosen, () => {
        for (const [value, number] of this.#plan.inputs)
          held.set(number, this.#upload(value, given.get(nameOf(value))!.data));
        for (const planned of this.#plan.nodes) this.#compute(planned, held);
      });
      return await this.#read(held);
    } finally {
      for (const tensor of held.values()) tensor.dispose();
    }
  }

  async release(): Promise<void> {
    for (const tensor of this.#constants.values()) tensor.dispose();
  }

  #upload({ dtype, shape }: Value, data: TypedArray): Tensor {
    return this.#chosen.tf.tensor(toTf(dtype, data), [...shape], tfTypeOf(dtype) as "float32");
  }

  #compute({ node, reads, makes, frees }: PlannedNode, held: Map<number, Tensor>): void {
    const tensors = reads.map((number) => held.get(number) ?? this.#constants.get(number)!);
    const operation = tfOperations[node.op]!;
    const { tf } = this.#chosen;
    const made = tf.tidy(() => operation(tf, node, tensors));
    for (const [index, tensor] of (Array.isArray(made) ? made : [made]).entries()) {
      const number = makes[index];
      if (number === undefined) tensor.dispose();
      else held.set(number, tensor);
    }
    for (const number of frees) {
      held.get(number)!.dispose();
      held.delete(number);
    }
  }

  async #read(held: ReadonlyMap<number, Tensor>): Promise<Record<string, TensorData>> {
    const outputs: Record<string, TensorData> = {};
    for (const [name, number] of this.#plan.outputs) {
      const { dtype, shape } = this.#graph.outputs.get(name)!;
      const tensor = held.get(number) ?? this.#constants.get(number)!;
      outputs[name] = { dtype, shape, data: fromTf(dtype, await tensor.data()) };
    }
    return outputs;
  }
}

/** The graph in operations that are here, each computed once unless it `repeats`. */
function operationsOf({ outputs }: Graph, { repeats = false }: CompileOptions = {}): Graph {
  const values = expandComposites(pushDownSlices([...outputs.values()]));
  const names = [...outputs.keys()];
  const graph = graphOf(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
  return repeats ? graph : mergeEqual(graph);
}
