import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  listedDriver,
  loadedDriver,
  nvidiaDriver,
} from "../../compute/devices/cuda/nvidia-driver.ts";
import { deviceKinds } from "../../compute/devices/device-kinds.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

test("the driver's version and the devices' names, from the files that it shows; none without them", async (t) => {
  const closed = await temporaryFolder(t, {
    version: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15\n",
    "gpus/0000:01:00.0/information": "Model: \t\t NVIDIA A10\n",
  });
  const folder = await temporaryFolder(t, {
    version:
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version: 12\n",
    "gpus/0000:1b:00.0/information": "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 24\n",
    "gpus/0000:43:00.0/information": "IRQ:   \t\t 25\n",
  });
  assert.deepEqual(
    [closed, folder, join(folder, "gpus")].map((path) => loadedDriver(path)),
    [
      { version: "535.104.05", gpus: ["NVIDIA A10"] },
      { version: "580.65.06", gpus: ["NVIDIA H100 80GB HBM3", "unknown"] },
      undefined,
    ],
  );
});

test("NVIDIA's driver where no module is loaded, as nvidia-smi lists it", () => {
  assert.deepEqual(
    [
      "NVIDIA H100 80GB HBM3, 580.65.06\nNVIDIA L4, 580.65.06\n",
      "No devices were found\n",
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
    ].map(listedDriver),
    [{ version: "580.65.06", gpus: ["NVIDIA H100 80GB HBM3", "NVIDIA L4"] }, undefined, undefined],
  );
});

test("tfjs-node-gpu is refused without the driver, before TensorFlow is loaded", {
  skip: nvidiaDriver() !== undefined && "there is one",
}, () => {
  assert.throws(() => deviceKinds["tfjs-node-gpu"]!.adapter!(), {
    name: "DeviceError",
    code: "device-missing",
    message: "There is no driver of NVIDIA's, and TensorFlow would compute on the processor.",
    hint: "install it, or use --device webgpu for another GPU",
  });
});
