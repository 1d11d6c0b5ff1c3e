import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { machineFacts } from "../../cli/machine-facts.ts";
import { findWebgpuAdapter } from "../../compute/devices/webgpu/webgpu-adapter.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";

const adapter = testAdapter();
const skip =
  process.platform !== "linux"
    ? "adapters are chosen under Linux"
    : adapter === undefined && howToGetSoftwareAdapter;
Object.assign(process.env, adapter);
const golden = join(import.meta.dirname, "../golden/bert-classify");

const pipeline = `name: numbered
stages:
  rows:
    uses: load
    with: { files: rows.csv, label: label }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: model, max_length: 8 }
  vectors:
    uses: embed
    in: tokens
    with: { model: model }
`;

test("a run on each adapter that Vulkan lists, by its number: the lockfile says which it was", {
  skip,
}, async (t) => {
  await using rig = await ProjectRig.create({
    "rows.csv": "text,label\na cat,LABEL_0\na dog,LABEL_1\n",
    "numbered.tune.yaml": pipeline,
  });
  await rig.copy(join(golden, "model"), "model");
  const { listed } = findWebgpuAdapter();
  for (const [number, name] of listed.entries()) {
    const { executed } = await rig.run(
      ["numbered.tune.yaml", "--device", `webgpu:${number}`, "--force", "vectors"],
      adapter,
    );
    assert.ok(executed.includes("vectors"));
    const lock = await rig.read("numbered.tune.lock.yaml");
    assert.equal(/^ +adapter: "?([^"\n]+)"?$/m.exec(lock)?.[1], name);
  }
  t.diagnostic(`adapters: ${listed.join(", ")}`);
});

test("numbers that there are not, and devices that have none", { skip }, () => {
  const { listed } = findWebgpuAdapter();
  const refused = (device: string) => {
    const machine = machineFacts(device);
    return machine.ok ? undefined : machine.error;
  };
  assert.deepEqual(refused("webgpu:7"), {
    code: "device-missing",
    message: "WebGPU has no adapter 7 here.",
    hint: `there are: ${listed.map((name, i) => `${i} ${name}`).join(", ")}`,
  });
  assert.deepEqual(refused("cpu:0"), {
    code: "unknown-device",
    message: 'There is no device "cpu:0": those of "cpu" have no numbers.',
    hint: "webgpu:1 is the WebGPU adapter 1 of those that `tunesmith doctor` lists; CUDA's devices are lent by slots, or by CUDA_VISIBLE_DEVICES",
  });
});
