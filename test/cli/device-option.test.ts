import assert from "node:assert/strict";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const file = "small.tune.yaml";
/** Up to its training: what comes after says nothing more of devices. */
const pipeline = smallPipeline.slice(0, smallPipeline.indexOf("  evaluate:\n"));

test("what a run would do is told for a device: of --device, else of TUNESMITH_DEVICE", async () => {
  await using rig = await ProjectRig.create({ [file]: pipeline, "data.csv": smallData });
  const run = await rig.command(["run", file, "--device", "tfjs-cpu"], { TUNESMITH_DEVICE: "cpu" });
  assert.equal(run.exitCode, 0, run.stderr);

  const planned = async (args: readonly string[], environment = {}) => {
    const { stdout } = await rig.command(["plan", file, "--json", ...args], environment);
    const stages: { stage: string; state: string; changes?: { text: string }[] }[] =
      JSON.parse(stdout).stages;
    return stages.flatMap(({ stage, state, changes = [] }) =>
      state === "cached"
        ? []
        : [`${stage} ${state}: ${changes.map(({ text }) => text).join("; ")}`],
    );
  };
  assert.deepEqual(await planned(["--device", "tfjs-cpu"]), []);
  assert.deepEqual(await planned([], { TUNESMITH_DEVICE: "tfjs-cpu" }), []);
  const [train] = await planned([]);
  assert.match(train!, /^train will-run: .*device.*tfjs-cpu -> cpu/);
  assert.deepEqual(await planned(["--device", "cpu"], { TUNESMITH_DEVICE: "tfjs-cpu" }), [train]);

  const why = await rig.command(["why", file, "train", "--device", "tfjs-cpu"]);
  assert.match(why.stdout, /^train is up to date/);
  const status = await rig.command(["status", file, "--device", "tfjs-cpu"]);
  assert.match(status.stdout, /unchanged: all stages/);
  const exported = await rig.command(["export", file, "train", "model", "--device", "tfjs-cpu"]);
  assert.equal(exported.exitCode, 0, exported.stderr);
});

test("a device that there is not is told of, whoever names it", async () => {
  await using rig = await ProjectRig.create({ [file]: pipeline, "data.csv": smallData });
  const told = (by: string) => `✘ ${by}There is no device "gpu".
    hint: devices: auto, cpu, webgpu, cuda, tfjs-cpu, tfjs-wasm, tfjs-node, tfjs-node-gpu
    code: unknown-device
`;
  const refused = { exitCode: 2, signal: null, stdout: "" };
  const named = { TUNESMITH_DEVICE: "gpu" };
  for (const command of ["run", "plan", "status"])
    assert.deepEqual(await rig.command([command, file], named), {
      ...refused,
      stderr: told("TUNESMITH_DEVICE=gpu: "),
    });
  assert.deepEqual(await rig.command(["plan", file, "--device", "gpu"], named), {
    ...refused,
    stderr: told(""),
  });
});
