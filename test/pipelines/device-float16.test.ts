import assert from "node:assert/strict";
import { test } from "node:test";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";
import { lossesOf, twentyStepsProject } from "../rig/twenty-steps.ts";

// Mixed precision through the command line, on an adapter with shader-f16 (test/rig/lavapipe.sh) and on one without.

const adapter = testAdapter();

test("20 steps in fp16 by a pipeline: float32's losses but for rounding, or why the adapter cannot", {
  skip: adapter === undefined && howToGetSoftwareAdapter,
}, async (t) => {
  await using rig = await twentyStepsProject();
  const made = await rig.command(["run", "fp16.tune.yaml", "--device", "webgpu"], adapter);
  if (made.exitCode !== 0) {
    t.diagnostic("the adapter has no float16");
    assert.match(
      made.stderr,
      /The device "webgpu" cannot train with mixed_precision: fp16: its adapter has no shader-f16\./,
    );
    return;
  }
  const losses = await lossesOf(rig);
  await rig.run(["no.tune.yaml", "--device", "cpu"]);
  const expected = await lossesOf(rig);
  assert.equal(losses.length, 20);
  const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i]!)));
  t.diagnostic(`losses differ from float32's on the processor by at most ${worst}`);
  assert.ok(worst < 1e-2, `${losses} instead of ${expected}`);
  assert.ok(worst > 1e-7, "as if nothing were rounded");
});
