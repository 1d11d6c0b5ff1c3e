import type { CompileOptions, Device } from "../../device.ts";
import type { Graph } from "../../graph.ts";
import { exportOnnx } from "../../onnx/export-onnx.ts";
import { steadyScatters } from "../steady-scatter.ts";
import { DeviceTensors, type Residence } from "./device-tensors.ts";
import { openOrtApi } from "./ort-api.ts";
import { OrtCopies } from "./ort-copies.ts";
import { type OnHost, OrtExecutable } from "./ort-executable.ts";
import { sharedPool } from "./ort-pool.ts";
import { type OrtProvider, OrtSession } from "./ort-session.ts";
import { OrtTensor } from "./ort-tensor.ts";

const [DEVICE_ALLOCATOR, HOST, DEFAULT_MEMORY] = [0, 0, 0];

/**
 * A device that holds tensors, by one of ONNX Runtime's providers through its C functions: onnxruntime-node has tensors
 * in WebGPU's memory, but in no other. Throws DeviceError where the functions cannot be loaded, and
 * what the provider says where it does not start.
 */
export async function openOrtDevice(kind: string, provider: OrtProvider): Promise<Device> {
  const api = await openOrtApi();
  const host = api.make("CreateMemoryInfo", "Cpu", DEVICE_ALLOCATOR, HOST, DEFAULT_MEMORY);
  const onHost: OnHost = (tensor) => OrtTensor.onHost(api, host, tensor);
  const copies = new OrtCopies(api, sharedPool(api, provider), onHost);
  const compile = async (
    graph: Graph,
    options: CompileOptions,
    residence?: Residence<OrtTensor>,
  ) => {
    const session = new OrtSession(api, provider, exportOnnx(steadyScatters(graph)), options);
    return new OrtExecutable(graph, session, { onHost, residence });
  };
  return {
    facts: {
      kind,
      runtime: `onnxruntime ${api.version}`,
      platform: `${process.platform}-${process.arch}`,
      instructionSet: "unknown",
      threads: 1,
    },
    compile: (graph, options = {}) => compile(graph, options),
    hold: () =>
      new DeviceTensors(copies, (graph, residence, options) => compile(graph, options, residence)),
  };
}
