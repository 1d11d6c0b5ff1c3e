import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { machineSlots } from "../../cli/machine-slots.ts";
import { runCommand } from "../rig/command-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

/** What stages may take where the configuration holds a text, and what was printed. */
async function slotsOf(
  context: TestContext,
  text: string | undefined,
  environment: Record<string, string> = {},
  device = "cpu",
) {
  const files = text === undefined ? {} : { "config.yaml": text };
  const cwd = await temporaryFolder(context, files);
  let found: unknown;
  const { stderr } = await runCommand(
    { cwd, environment: { TUNESMITH_CONFIG: "config.yaml", ...environment } },
    async (context) => {
      found = machineSlots(context, device);
      return 0;
    },
  );
  return { found, stderr: stderr.replaceAll(cwd, "HOME") };
}

test("slots are what the user's configuration says", async (context) => {
  const { found } = await slotsOf(context, "slots: { gpu: [0, 1], cpu: 6, memory_gb: 24 }\n");
  assert.deepEqual(found, { slots: { gpus: ["0", "1"], cpu: 6, memory_gb: 24 } });
});

test("without a configuration they are the machine's; CUDA_VISIBLE_DEVICES names the devices", async (context) => {
  const { found } = await slotsOf(context, undefined, { CUDA_VISIBLE_DEVICES: "2, GPU-7" });
  const machine = { cpu: availableParallelism(), memory_gb: totalmem() / 1e9 };
  assert.deepEqual(found, { slots: { gpus: ["2", "GPU-7"], ...machine } });
});

test("NVIDIA's devices where only nvidia-smi lists them, as in WSL", {
  skip: existsSync("/proc/driver/nvidia") && "the kernel lists its own devices here",
}, async (context) => {
  const folder = await temporaryFolder(context, {
    "nvidia-smi": "#!/bin/sh\nprintf 'NVIDIA RTX A2000, 581.57\\nNVIDIA RTX A2000, 581.57\\n'\n",
  });
  await chmod(join(folder, "nvidia-smi"), 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${folder}:${path}`;
  context.after(() => {
    process.env.PATH = path;
  });
  const { found } = await slotsOf(context, undefined);
  const machine = { cpu: availableParallelism(), memory_gb: totalmem() / 1e9 };
  assert.deepEqual(found, { slots: { gpus: ["0", "1"], ...machine } });
});

test("under webgpu a run is on one graphics device, however many are lent", async (context) => {
  const machine = { cpu: availableParallelism(), memory_gb: totalmem() / 1e9 };
  const gpusOf = async (configuration: string | undefined) => {
    const environment = { CUDA_VISIBLE_DEVICES: "0,1" };
    return (await slotsOf(context, configuration, environment, "webgpu")).found;
  };
  assert.deepEqual(await gpusOf(undefined), { slots: { gpus: ["0"], ...machine } });
  assert.deepEqual(await gpusOf("slots: { gpu: [2, 3] }\n"), {
    slots: { gpus: ["2"], ...machine },
  });
  assert.deepEqual(await gpusOf("slots: { gpu: [] }\n"), { slots: { gpus: [], ...machine } });
});

test("a mistake in the configuration is shown where it stands", async (context) => {
  const { found, stderr } = await slotsOf(context, "slots:\n  gpus: [0]\n");
  assert.deepEqual(found, { exitCode: 2 });
  assert.equal(
    stderr,
    [
      '✘ HOME/config.yaml:2:3 "gpus" is no key of "slots".',
      "    2 |   gpus: [0]",
      "      |   ~~~~",
      '    hint: did you mean "gpu"?',
      "    code: unknown-key",
      "",
    ].join("\n"),
  );
});
