import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { init } from "../../cli/commands/init.ts";
import { schema } from "../../cli/commands/schema.ts";
import { validate } from "../../cli/commands/validate.ts";
import { exitCodes } from "../../cli/context.ts";
import { runCommand } from "../rig/command-rig.ts";

const cwd = mkdtempSync(join(tmpdir(), "tunesmith-validate-"));
after(() => rmSync(cwd, { recursive: true }));
const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const check = (file: string, flags: Partial<{ json: boolean; set: readonly string[] }> = {}) =>
  runCommand({ cwd }, (context) => validate(context, file, { json: false, set: [], ...flags }));

write("rows.csv", "text,label\na,b\n");
write("good.tune.yaml", "stages: { rows: { uses: load, with: { files: rows.csv } } }\n");
write("bad.tune.yaml", "stages:\n  rows:\n    uses: laod\n");

test("validate says that a file is valid, and changes nothing", async () => {
  assert.deepEqual(await check("good.tune.yaml"), {
    exitCode: exitCodes.ok,
    stdout: "good.tune.yaml is valid: 1 stage\n",
    stderr: "",
  });
});

test("validate --json writes a line for each diagnostic, and none for a valid file", async () => {
  const { exitCode, stdout } = await check("bad.tune.yaml", { json: true });
  assert.equal(exitCode, exitCodes.invalidPipeline);
  assert.deepEqual(
    stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
    [
      {
        type: "diagnostic",
        code: "unknown-kind",
        message: 'Stage "rows": there is no kind of stage called "laod".',
        hint: 'did you mean "load"?',
        file: "bad.tune.yaml",
        line: 3,
        column: 11,
        start: 26,
        end: 30,
      },
    ],
  );
  assert.equal((await check("good.tune.yaml", { json: true })).stdout, "");
});

test("validate --set checks the file as it would run", async () => {
  const { exitCode, stdout } = await check("good.tune.yaml", {
    set: ["stages.rows.with.format=xml"],
  });
  assert.equal(exitCode, exitCodes.invalidPipeline);
  assert.ok(stdout.startsWith("✘ --set:1:25 "), stdout);
});

test("a file that is not there is a usage error", async () => {
  const { exitCode, stderr } = await check("none.tune.yaml");
  assert.equal(exitCode, exitCodes.usage);
  assert.match(stderr, /^✘ There is no file none\.tune\.yaml\./);
});

test("init writes a pipeline that validates, its rows, and never over a file", async () => {
  const start = (file: string) => runCommand({ cwd }, (context) => init(context, file));
  const first = await start("new/mine.tune.yaml");
  assert.equal(first.exitCode, exitCodes.ok);
  assert.equal(first.stdout, "wrote new/mine.tune.yaml\nwrote new/data/messages.csv\n");
  assert.match(first.stderr, /tunesmith run new\/mine\.tune\.yaml/);
  const text = readFileSync(join(cwd, "new/mine.tune.yaml"), "utf8");
  assert.match(text, /^# yaml-language-server: \$schema=\S+\/schema\/pipeline\.schema\.json\n/);
  assert.equal(parse(text).name, "mine");
  assert.equal(
    (await check("new/mine.tune.yaml")).stdout,
    "new/mine.tune.yaml is valid: 8 stages\n",
  );
  const again = await start("new/mine.tune.yaml");
  assert.equal(again.exitCode, exitCodes.usage);
  assert.match(again.stderr, /code: file-exists/);
  assert.equal(readFileSync(join(cwd, "new/mine.tune.yaml"), "utf8"), text);
  assert.equal((await start("new/mine.yaml")).exitCode, exitCodes.usage);
});

test("init keeps rows that are there", async () => {
  const data = join(cwd, "new/data/messages.csv");
  writeFileSync(data, "text,label\nmine,mine\n");
  const second = await runCommand({ cwd }, (context) => init(context, "new/second.tune.yaml"));
  assert.equal(second.stdout, "wrote new/second.tune.yaml\n");
  assert.equal(readFileSync(data, "utf8"), "text,label\nmine,mine\n");
});

test("schema prints what schema/ holds", async () => {
  for (const subject of ["pipeline", "lockfile"] as const) {
    const { stdout } = await runCommand({ cwd }, (context) => schema(context, subject));
    const path = new URL(`../../schema/${subject}.schema.json`, import.meta.url);
    assert.equal(stdout, readFileSync(path, "utf8"));
  }
});
