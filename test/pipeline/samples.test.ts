import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { validate } from "../../cli/commands/validate.ts";
import { exitCodes } from "../../cli/context.ts";
import { runCommand } from "../rig/command-rig.ts";

const samples = fileURLToPath(new URL("../samples", import.meta.url));
const isUpdating = process.env.UPDATE_GOLDEN === "1";

for (const name of readdirSync(samples).sort()) {
  test(`sample ${name} prints what its expected.txt holds`, async () => {
    const folder = `${samples}/${name}`;
    const { set = [], setFile = [], environment = {} } = commandOf(folder);
    const { exitCode, stdout, stderr } = await runCommand({ cwd: folder, environment }, (context) =>
      validate(context, "pipeline.tune.yaml", { set, setFile, json: false }),
    );
    if (isUpdating) writeFileSync(`${folder}/expected.txt`, stdout);
    assert.equal(stdout, readFileSync(`${folder}/expected.txt`, "utf8"));
    assert.equal(stderr, "");
    assert.equal(exitCode, exitCodes.invalidPipeline);
  });
}

interface SampleCommand {
  readonly set?: readonly string[];
  readonly setFile?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a sample's command line and environment add, where its folder says so. */
function commandOf(folder: string): SampleCommand {
  const path = `${folder}/command.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}
