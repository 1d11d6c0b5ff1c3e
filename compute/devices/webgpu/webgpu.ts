import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { CompileOptions, Device, DeviceFacts } from "../../device.ts";
import { DeviceError } from "../../device-error.ts";
import { type Graph, graphOf, input } from "../../graph.ts";
import { exportOnnx } from "../../onnx/export-onnx.ts";
import { add } from "../../ops/elementwise.ts";
import { deviceFailure } from "../device-failure.ts";
import type { DeviceOptions } from "../device-kinds.ts";
import { DeviceTensors, type Residence } from "../onnxruntime/device-tensors.ts";
import {
  loadRuntime,
  notOnDevices,
  type Runtime,
  runtimeName,
} from "../onnxruntime/session-executable.ts";
import { tryProduct } from "../try-product.ts";
import { refuseLargeTensors } from "./refuse-large-tensors.ts";
import { type OpenSession, type SessionNeeds, WebgpuCopies } from "./webgpu-copies.ts";
import { WebgpuExecutable } from "./webgpu-executable.ts";
import { webgpuGraph } from "./webgpu-graph.ts";

/** How the adapter is found, and what is known of it. */
export type WebgpuOptions = Pick<DeviceOptions, "largestTensor" | "environment">;

/**
 * The graphics device, by the WebGPU provider that onnxruntime-node brings along: Vulkan, Metal or Direct3D 12.
 * Throws DeviceError where there is no adapter. No operation falls back to the processor. All devices of a process are on
 * the adapter of the first.
 */
export async function openWebgpuDevice({
  largestTensor = Number.POSITIVE_INFINITY,
  environment = {},
}: WebgpuOptions = {}): Promise<Device> {
  Object.assign(process.env, environment); // read when the first session loads the driver
  const runtime = await loadRuntime();
  const open: OpenSession = async (model, needs = {}) => {
    try {
      return await runtime.InferenceSession.create(model, sessionOptions(needs));
    } catch (error) {
      throw deviceFailure(error);
    }
  };
  await keepContext(runtime, open);
  const copies = new WebgpuCopies(runtime, open, largestTensor);
  const facts: DeviceFacts = {
    kind: "webgpu",
    runtime: runtimeName(runtime),
    platform: `${process.platform}-${process.arch}`,
    instructionSet: "unknown",
    threads: 1,
  };
  const compile = async (graph: Graph, options: CompileOptions, residence?: Residence<Tensor>) => {
    const provided = webgpuGraph(graph);
    refuseLargeTensors(provided, largestTensor);
    const session = await open(exportOnnx(provided), options);
    return new WebgpuExecutable(runtime, graph, session, residence);
  };
  return {
    facts,
    compile: (graph, options = {}) => compile(graph, options),
    lacksPrecision: async (type) =>
      type === "bfloat16"
        ? "WebGPU's shaders have no bfloat16"
        : tryProduct((graph) => compile(graph, {}), type),
    hold: () =>
      new DeviceTensors(copies, (graph, residence, options) => compile(graph, options, residence)),
  };
}

function sessionOptions({
  keepsOutputs,
  repeats = false,
}: SessionNeeds): InferenceSession.SessionOptions {
  return {
    executionProviders: ["webgpu"],
    graphOptimizationLevel: "all",
    logSeverityLevel: 4, // what goes wrong is thrown as well
    ...(keepsOutputs && { preferredOutputLocation: "gpu-buffer" }),
    extra: {
      session: { disable_cpu_ep_fallback: "1" },
      optimization: { disable_specified_optimizers: notOnDevices(repeats) },
    },
  };
}

/** Sessions held for good: with the last one its compiled shaders would go. */
const held: InferenceSession[] = [];

async function keepContext(runtime: Runtime, open: OpenSession): Promise<void> {
  if (held.length > 0) return;
  const [a, b] = [input("a", [1]), input("b", [1])];
  const session = await open(exportOnnx(graphOf({ sum: add(a, b) })));
  const one = new runtime.Tensor("float32", Float32Array.of(1), [1]);
  const { sum } = await session.run({ a: one, b: one });
  if (sum?.data[0] !== 2)
    throw new DeviceError(
      "device-missing",
      `The WebGPU adapter computes 1 + 1 = ${sum?.data[0]}.`,
      "update its driver, or run with --device cpu",
    );
  held.push(session);
}
