import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { howToGetOrt } from "../rig/ort-cpu-device.ts";

const program = fileURLToPath(new URL("../rig/collected-library.ts", import.meta.url));
const skip = process.platform !== "linux" && howToGetOrt;

test("ONNX Runtime's library stays, whatever is collected, until the process has ended", {
  skip,
}, () => {
  const given = ["--expose-gc", ...process.execArgv.filter((name) => name !== "--test"), program];
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, given, {
    encoding: "utf8",
  });
  assert.deepEqual(
    { stdout, stderr, status, signal },
    {
      stdout: "42",
      stderr: "",
      status: 0,
      signal: null,
    },
  );
});
