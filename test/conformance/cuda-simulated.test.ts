import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { InferenceSession } from "onnxruntime-node";
import { examineAccelerators } from "../../cli/doctor/examine-compute.ts";
import type { Device, Executable, TensorData, Tensors, Traffic } from "../../compute/device.ts";
import { DeviceError } from "../../compute/device-error.ts";
import { chooseDevice } from "../../compute/devices/choose-device.ts";
import { openCudaDevice } from "../../compute/devices/cuda/cuda.ts";
import { loadRuntime, runtimeName } from "../../compute/devices/onnxruntime/session-executable.ts";
import { type Graph, graphOf, input, makeValue, nameOf } from "../../compute/graph.ts";
import { openDevice } from "../../stages/open-device.ts";
import { deviceWorkloads } from "../rig/device-workloads.ts";
import { cudaModel, nodeSignatures } from "../rig/node-signatures.ts";
import { recordingDevice } from "../rig/recording-device.ts";
import { howToSimulateCuda, loadSimulatedCuda } from "../rig/simulated-cuda.ts";

// ONNX Runtime's own CUDA provider, over libraries that give memory and copy, but launch kernels that compute nothing:
// which operations have a kernel, what is copied, and what becomes of errors. Values mean nothing.

const cuda = await loadSimulatedCuda();
const skip = cuda === undefined && howToSimulateCuda;
const device = cuda && (await openCudaDevice());
const workloads = cuda === undefined ? [] : deviceWorkloads(); // so many skipped tests would hide others

test("every kind of node has a kernel of its own", { skip }, async () => {
  const runtime = await loadRuntime();
  const options: InferenceSession.SessionOptions = {
    executionProviders: ["cuda"],
    graphOptimizationLevel: "disabled", // nothing is fused or left out
    logSeverityLevel: 4,
    extra: { session: { disable_cpu_ep_fallback: "1" } },
  };
  const { device: recording, graphs } = recordingDevice();
  for (const { run } of workloads) await run(recording);
  const kernels = new Set<string>();
  for (const model of graphs.map(cudaModel)) {
    const isNew = (signature: string) => !kernels.has(signature);
    const found = [...nodeSignatures(model)].filter(isNew);
    if (found.length === 0) continue;
    await (await runtime.InferenceSession.create(model, options)).release();
    for (const signature of found) kernels.add(signature);
  }
  const golden = new URL("../golden/cuda-kernels.json", import.meta.url);
  const all = { runtime: runtimeName(runtime), kernels: [...kernels].sort() };
  if (process.env.UPDATE_GOLDEN === "1")
    await writeFile(golden, `${JSON.stringify(all, undefined, 2)}\n`);
  assert.deepEqual(all, JSON.parse(await readFile(golden, "utf8")));
});

test("a graph with a node that has no kernel is refused, not computed on the processor", {
  skip,
}, async () => {
  const x = input("x", [2, 2], "int32");
  const product = makeValue("MatMul", [x, x], {}, [2, 2], "int32");
  await assert.rejects(device!.compile(graphOf({ product })), /fallback to CPU EP/);
});

const bytesOf = (tensors: Iterable<TensorData>) =>
  Array.from(tensors, ({ data }) => data.byteLength).reduce((sum, bytes) => sum + bytes, 0);

/** What CUDA copied while something was done. */
async function copiedBy(work: () => Promise<unknown>): Promise<Traffic> {
  const before = cuda!.counts();
  await work();
  const after = cuda!.counts();
  return { toDevice: after.toDevice - before.toDevice, toHost: after.toHost - before.toHost };
}

type Check = (copied: Traffic, told: Traffic) => void;

/** The device, with a check of what each of its runs copies beside what it is given and gives back. */
function watched(given: Device, check: Check): Device {
  const watch = (graph: Graph, executable: Executable, held: ReadonlySet<string>): Executable => ({
    async run(inputs: ReadonlyMap<string, TensorData> | Tensors) {
      let outputs: Record<string, TensorData> = {};
      const copied = await copiedBy(async () => {
        outputs = await executable.run(inputs);
      });
      const all = inputs instanceof Map ? inputs : new Map(Object.entries(inputs));
      const names = graph.inputs.map(nameOf).filter((name) => !held.has(name));
      const toDevice = bytesOf(names.map((name) => all.get(name)!));
      check(copied, { toDevice, toHost: bytesOf(Object.values(outputs)) });
      return outputs;
    },
    release: () => executable.release(),
  });
  return {
    ...given,
    compile: async (graph, options) =>
      watch(graph, await given.compile(graph, options), new Set<string>()),
    hold() {
      const held = given.hold!();
      const names = new Set<string>();
      return {
        write(tensors) {
          const all = [...tensors];
          for (const [name] of all) names.add(name);
          return held.write(all);
        },
        read: (wanted) => held.read(wanted),
        compile: async (graph, options) => watch(graph, await held.compile(graph, options), names),
        revert: () => held.revert(),
        get traffic() {
          return held.traffic;
        },
        release: () => held.release(),
      };
    },
  };
}

/** Where parts lie and how large they are, which Split, Concat and products of broadcast batches take with them. */
const DESCRIPTORS = 1024;

/** A run copies its inputs to the device; outputs that are constants lie on the host already. */
const asGiven: Check = (copied, told) => {
  assert.ok(copied.toHost <= told.toHost, `${copied.toHost} bytes came back, not ${told.toHost}`);
  const beside = copied.toDevice - told.toDevice;
  assert.ok(beside >= 0 && beside <= DESCRIPTORS, `${beside} bytes beside the inputs`);
};

/** A step gives back its loss and the gradient's norm. */
const asStep: Check = (copied, told) => {
  asGiven(copied, told);
  assert.ok(copied.toHost <= 8, `${copied.toHost} bytes came back`);
};

for (const { name, isTraining, run } of workloads)
  test(`${name}: no node falls back, and only what is given and given back is copied`, {
    skip,
  }, async () => {
    await run(watched(device!, isTraining ? asStep : asGiven));
    assert.equal(cuda!.counts().misdirected, 0);
  });

test("a training gives its memory back", { skip }, async () => {
  const { run } = workloads.find(
    ({ name }) => name === "adamw of bert for sequence-classification",
  )!;
  const held: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await run(device!);
    held.push(cuda!.counts().held);
  }
  assert.deepEqual(held.slice(1), Array(3).fill(held[0]));
});

/** What is thrown after an error of CUDA's: the code of ours, or all of it. */
async function thrownAfter(
  [functionName, call, error]: readonly [string, number, number, string],
  work: () => Promise<unknown>,
): Promise<string> {
  cuda!.failAt(functionName, call, error);
  try {
    await work();
    return "nothing";
  } catch (thrown) {
    return thrown instanceof DeviceError ? thrown.code : String(thrown);
  } finally {
    cuda!.failAt("", 0, 0);
  }
}

const [OUT_OF_MEMORY, ILLEGAL_ADDRESS, LAUNCH_FAILURE] = [2, 700, 719];
const [NO_DEVICE, OLD_DRIVER] = [100, 35];
const [CUBLAS_ALLOC_FAILED, CUBLAS_ARCH_MISMATCH] = [3, 8];
const [CUBLAS_EXECUTION_FAILED, CUBLAS_NOT_SUPPORTED] = [13, 15];

test("where memory runs out a training says what to do, and another one goes on", {
  skip,
}, async () => {
  const { run } = workloads.find(
    ({ name }) => name === "adamw of bert for sequence-classification",
  )!;
  await run(device!);
  const { held } = cuda!.counts();
  const errors = [
    ["cudaMalloc", 1, OUT_OF_MEMORY, "device-memory"],
    ["cudaMalloc", 2, OUT_OF_MEMORY, "device-memory"],
    ["cudaMemcpyAsync", 9, OUT_OF_MEMORY, "device-memory"],
    ["cublasCreate_v2", 1, CUBLAS_ALLOC_FAILED, "device-memory"],
    ["cublasSgemm_v2", 3, CUBLAS_ALLOC_FAILED, "device-memory"],
  ] as const;
  for (const error of errors) {
    assert.equal(await thrownAfter(error, () => run(device!)), error[3], error.join(" "));
    await run(device!);
    assert.equal(cuda!.counts().held, held, error.join(" "));
  }
});

for (const [functionName, call, error] of [
  ["launch", 20, LAUNCH_FAILURE],
  ["launch", 150, ILLEGAL_ADDRESS],
  ["cudaMemcpyAsync", 30, LAUNCH_FAILURE],
] as const)
  test(`a device that is lost at ${functionName} ${call} is told, and the process ends as it would`, {
    skip,
  }, () => {
    const program = fileURLToPath(new URL("../rig/lost-cuda.ts", import.meta.url));
    const { stdout, stderr, status, signal } = spawnSync(
      process.execPath,
      ["--import", "tsx", program, functionName, String(call), String(error)],
      { encoding: "utf8" },
    );
    const codes = '["device-lost","device-lost"]';
    assert.deepEqual(
      { stdout, stderr, status, signal },
      {
        stdout: codes,
        stderr: "",
        status: 0,
        signal: null,
      },
    );
  });

test("CUDA's errors when a device is opened say what it lacks; the second of two opens by its id", {
  skip,
}, async () => {
  process.env.CUDA_SIMULATED_DEVICES = "2";
  const errors = [
    ["cudaGetDeviceCount", 0, NO_DEVICE, "device-missing"],
    ["cudaGetDeviceCount", 0, OLD_DRIVER, "device-missing"],
    ["cudaSetDevice", 0, NO_DEVICE, "device-missing"],
    ["cudaSetDevice", 0, OLD_DRIVER, "device-missing"],
    ["cudaMemGetInfo", 0, OUT_OF_MEMORY, "device-memory"],
  ] as const;
  for (const error of errors)
    assert.equal(await thrownAfter(error, () => openCudaDevice("1")), error[3], error.join(" "));
  await workloads[0]!.run(await openCudaDevice("1"));
  await assert.rejects(openCudaDevice("2"), {
    name: "DeviceError",
    code: "device-missing",
    message:
      "CUDA cannot use the graphics device: Invalid device ID: 2, must be between 0 (inclusive) and 2 (exclusive).",
  });
});

test("auto takes cuda where it is whole, and doctor says what it computes on, or lacks", {
  skip,
}, async () => {
  assert.equal(chooseDevice(), "cuda");
  const folder = process.env.LD_LIBRARY_PATH!;
  const found: string[] = [];
  for (const path of [folder, "/nowhere"]) {
    process.env.LD_LIBRARY_PATH = path;
    const findings = await examineAccelerators();
    const { state, detail } = findings.find(({ name }) => name === "cuda")!;
    found.push(`${state}: ${detail}`);
  }
  process.env.LD_LIBRARY_PATH = folder;
  assert.match(found[0]!, /^ok: complete for Simulated 0, Simulated 1, with NVIDIA's driver 999.0/);
  // Of CUDA itself this machine may have parts.
  assert.match(
    found[1]!,
    /^absent: The CUDA provider is installed, but it misses .*libcublas\.so\.\d+/,
  );
});

test("a GPU without products in bfloat16 lacks them; one that fails at them is an error", {
  skip,
}, async () => {
  const asked = () => device!.lacksPrecision!("bfloat16");
  const reason =
    "cuBLAS has no such products for its GPU; those of compute capability 8.0 and later have them";
  for (const error of [CUBLAS_ARCH_MISMATCH, CUBLAS_NOT_SUPPORTED]) {
    cuda!.failAt("cublasGemmEx", 1, error);
    assert.equal(await asked(), reason);
  }
  for (const [error, code] of [
    [CUBLAS_ALLOC_FAILED, "device-memory"],
    [CUBLAS_EXECUTION_FAILED, "device-lost"],
  ] as const)
    assert.equal(await thrownAfter(["cublasGemmEx", 1, error, code], asked), code);
  const ofStage = await openDevice({ kind: "cuda", threads: 1 });
  cuda!.failAt("cublasGemmEx", 1, CUBLAS_ALLOC_FAILED);
  await assert.rejects(ofStage.lacksPrecision!("bfloat16"), { name: "StageFailure" });
});
