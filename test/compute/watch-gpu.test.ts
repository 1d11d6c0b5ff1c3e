import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { busiestOf, watchGpu } from "../../bench/watch-gpu.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

test("the busiest device's mean; where the driver does not tell, nothing", () => {
  const two = "0, 97\n1, 0\n0, 100\n1, 4\n0, 91\n1, 2\n";
  const oneTells =
    "0, [N/A]\n/sys/class/drm/card1/device/gpu_busy_percent, 40\n0, [Not Supported]\n";
  const none =
    "No devices were found\nNVIDIA-SMI has failed because it couldn't communicate\n0, [N/A]\n";
  assert.deepEqual([two, oneTells, none, ""].map(busiestOf), [0.96, 0.4, undefined, undefined]);
});

test("NVIDIA's program and AMD's files are asked until the watch is stopped", {
  skip: process.platform !== "linux",
}, async (t) => {
  const folder = await temporaryFolder(t, {
    "bin/nvidia-smi": '#!/bin/sh\n[ "$1" = --query-gpu=index,utilization.gpu ] && echo "0, 60"\n',
    "amd/card0/device/gpu_busy_percent": "80\n",
    "amd/card0-DP-1/status": "connected\n",
  });
  await chmod(join(folder, "bin/nvidia-smi"), 0o755);
  const shareOf = async (path: string, devices: string) => {
    const environment = { PATH: `${path}:/usr/bin:/bin` };
    const watch = watchGpu({ environment, devices: join(folder, devices) });
    await setTimeout(600);
    return watch.stop();
  };
  assert.deepEqual(
    await Promise.all([
      shareOf(join(folder, "bin"), "none"),
      shareOf(join(folder, "bin"), "amd"),
      shareOf("/nowhere", "amd"),
      shareOf("/nowhere", "none"),
    ]),
    [0.6, 0.8, 0.8, undefined],
  );
});
