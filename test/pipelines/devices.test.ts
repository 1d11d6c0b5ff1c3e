import assert from "node:assert/strict";
import { test } from "node:test";
import { machineFacts } from "../../cli/machine-facts.ts";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";
import { lossesOf, twentyStepsProject } from "../rig/twenty-steps.ts";

const adapter = testAdapter();

/** Why a device is not here; a software adapter is there for the commands only. */
function whyAbsent(kind: string): string | undefined {
  if (kind === "webgpu") return adapter === undefined ? howToGetSoftwareAdapter : undefined;
  const machine = machineFacts(kind);
  return machine.ok ? undefined : `${machine.error.message} Hint: ${machine.error.hint}`;
}

test("20 steps with dropout on other devices: the processor's losses, under keys of their own", async (t) => {
  await using rig = await twentyStepsProject();
  const onDevice = (kind: string) => rig.run(["no.tune.yaml", "--device", kind], adapter);
  await onDevice("cpu");
  const expected = await lossesOf(rig);
  assert.ok(expected.at(-1)! < 0.7 * expected[0]!, `${expected}`);

  for (const kind of ["tfjs-cpu", "tfjs-wasm", "tfjs-node", "webgpu", "cuda"])
    await t.test(kind, async (t) => {
      const why = whyAbsent(kind);
      if (why !== undefined) return t.skip(why);
      const { executed } = await onDevice(kind);
      assert.deepEqual(executed, ["train", "evaluate", "save"]);
      const losses = await lossesOf(rig);
      assert.equal(losses.length, 20);
      const worst = Math.max(...losses.map((loss, step) => Math.abs(loss - expected[step]!)));
      t.diagnostic(`losses differ by at most ${worst}`);
      assert.ok(worst < 1e-3, `${losses} instead of ${expected}`);
      assert.match(await rig.read("no.tune.lock.yaml"), new RegExp(`device: ${kind}\n`));
    });

  for (const kind of ["tfjs-cpu", "cpu"])
    if (whyAbsent(kind) === undefined) assert.deepEqual((await onDevice(kind)).executed, []);
});
