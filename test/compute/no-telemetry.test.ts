import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../rig/temporary-folder.ts";

test("ONNX Runtime leaves no identifier and no report in the user's folder", async (t) => {
  const home = await temporaryFolder(t);
  const module = join(import.meta.dirname, "../../cli/doctor/examine-compute.ts");
  const script = `
    const { examineProcessor } = await import(${JSON.stringify(module)});
    console.log((await examineProcessor()).state);`;
  // Nothing else in the environment: under CI it would be silent by itself.
  const env = { HOME: home, PATH: process.env.PATH };
  const args = [...process.execArgv, "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  assert.equal(stdout, "ok\n", stderr);
  assert.deepEqual(await readdir(home, { recursive: true }), []);
});
