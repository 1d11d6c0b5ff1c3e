import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { installedVersion } from "../../compute/devices/installed-version.ts";
import { deviceWorkloads } from "../rig/device-workloads.ts";
import { cudaModel, nodeSignatures } from "../rig/node-signatures.ts";
import { recordingDevice } from "../rig/recording-device.ts";

// What a machine without a GPU can say of CUDA: each kind of node in any graph that stages compute is one for which
// ONNX Runtime's CUDA provider has shown that it has a kernel (cuda-simulated.test.ts writes the list).

const golden = new URL("../golden/cuda-kernels.json", import.meta.url);

test("every node of every family's graphs is of a kind that has a kernel on CUDA", async () => {
  const { runtime, kernels } = JSON.parse(await readFile(golden, "utf8")) as {
    runtime: string;
    kernels: readonly string[];
  };
  assert.equal(runtime, `onnxruntime ${installedVersion("onnxruntime-node")}`);
  const { device, graphs } = recordingDevice();
  for (const { run } of deviceWorkloads()) await run(device);
  const known = new Set(kernels);
  const unknown = new Set<string>();
  for (const graph of graphs)
    for (const signature of nodeSignatures(cudaModel(graph)))
      if (!known.has(signature)) unknown.add(signature);
  const how = "not seen on CUDA yet: CONTRIBUTING.md says how to try them";
  assert.deepEqual([...unknown], [], `${[...unknown].join("; ")}: ${how}`);
  assert.ok(graphs.length > 250, `${graphs.length} graphs`);
});
