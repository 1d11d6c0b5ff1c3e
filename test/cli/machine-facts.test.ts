import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { machineFacts } from "../../cli/machine-facts.ts";
import { howToGetSoftwareAdapter, softwareAdapter } from "../rig/software-adapter.ts";

const software = softwareAdapter();
const require = createRequire(import.meta.url);

test("threads beyond 4, which may change bits, are part of the machine's class; they are never part of a key", () => {
  const of = (threads: number) => {
    const machine = machineFacts("cpu", threads);
    if (!machine.ok) throw new Error(machine.error.message);
    const { threads: recorded } = machine.value.classes.compute as { threads?: number };
    return { used: machine.value.device.threads, recorded, facts: machine.value.facts };
  };
  const { facts } = of(1);
  assert.deepEqual([2, 4, 5, 8].map(of), [
    { used: 2, recorded: undefined, facts },
    { used: 4, recorded: undefined, facts },
    { used: 5, recorded: 5, facts },
    { used: 8, recorded: 8, facts },
  ]);
});

test("devices that this machine does not have are refused, and unknown ones named", () => {
  const problemOf = (device: string) => {
    const machine = machineFacts(device);
    return machine.ok ? undefined : machine.error.code;
  };
  assert.deepEqual(["auto", "cpu", "cuda", "gpu"].map(problemOf), [
    undefined,
    undefined,
    "device-missing",
    "unknown-device",
  ]);
});

test("another device is another result: kind and version are facts of the key, and of the class", () => {
  const machine = machineFacts("tfjs-wasm", 8);
  if (!machine.ok) throw new Error(machine.error.message);
  const { facts, classes, device } = machine.value;
  assert.deepEqual(device, { kind: "tfjs-wasm", threads: 8 });
  const { version } = JSON.parse(
    readFileSync(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"), "utf8"),
  );
  const compute = { device: "tfjs-wasm", runtime: `tfjs-backend-wasm ${version}` };
  assert.deepEqual(facts, { compute });
  const { platform, instruction_set, ...rest } = classes.compute as Record<string, unknown>;
  assert.deepEqual(rest, compute);
  assert.ok(platform && instruction_set);
});

test("a graphics device and its driver are the class of machine, not the processor", {
  skip: software === undefined && howToGetSoftwareAdapter,
}, () => {
  Object.assign(process.env, software);
  const machine = machineFacts("webgpu", 8);
  if (!machine.ok) throw new Error(machine.error.message);
  const { device, facts, classes } = machine.value;
  const { runtime } = facts.compute as { runtime: string };
  assert.deepEqual(facts, { compute: { device: "webgpu", runtime } });
  assert.deepEqual(classes.compute, {
    device: "webgpu",
    runtime,
    platform: `${process.platform}-${process.arch}`,
    adapter: "SwiftShader Device (Subzero)",
    driver: "SwiftShader driver 5.0.0",
    float16: false,
    largest_buffer: 2 ** 30,
  });
  assert.deepEqual(device, { kind: "webgpu", threads: 8, largestTensor: 2 ** 30 });
  const auto = machineFacts("auto");
  if (!auto.ok) throw new Error(auto.error.message);
  assert.notEqual(
    auto.value.device.kind,
    "webgpu",
    "a software adapter is taken only when it is named",
  );
});

test("a device whose packages are missing is refused with how to get them", () => {
  const machine = machineFacts("tfjs-node-gpu");
  assert.deepEqual(machine, {
    ok: false,
    error: {
      code: "device-missing",
      message: "@tensorflow/tfjs-node-gpu is not installed.",
      hint: "npm install @tensorflow/tfjs-node-gpu@4.22, which fetches libtensorflow; it needs CUDA 11 and cuDNN 8 (Linux or Windows, x64); for newer GPUs see docs/devices.md",
    },
  });
});
