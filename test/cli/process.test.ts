import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const file = "名前.tune.yaml";
let rig: ProjectRig;
before(async () => {
  rig = await ProjectRig.create({
    "package.json": "{}",
    "data.csv": "text,label\none,a\ntwo,b\n",
    [file]: `name: tiny
stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  cleaned-up-rows: { uses: clean, in: rows, with: { rules: [drop_empty] } }
`,
  });
});
after(() => rig[Symbol.asyncDispose]());

const plan = `stage            kind   plan      why
rows             load   will run  never ran before
cleaned-up-rows  clean  pending   waits for rows

1 will run, 1 pending: 2 without a past run
`;

test("the real command: the plan on stdout, nothing on stderr, no escape sequences", async () => {
  const settings = [
    { NO_COLOR: "", FORCE_COLOR: "", TERM: "dumb" },
    { NO_COLOR: "1", FORCE_COLOR: "1" },
    { LANG: "C", LC_ALL: "C" },
  ];
  for (const environment of settings) {
    const { exitCode, stdout, stderr } = await rig.command(["plan", file], environment);
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: plan, stderr: "" });
  }
});

test("COLUMNS=30 and a locale without Unicode: names are cut with dots, reasons stand below", async () => {
  const environment = { COLUMNS: "30", LANG: "C", LC_ALL: "C" };
  const { stdout } = await rig.command(["plan", file], environment);
  assert.equal(
    stdout,
    `stage          kind   plan
rows           load   will run
  never ran before
cleaned-up...  clean  pending
  waits for rows

1 will run, 1 pending: 2 without a past run
`,
  );
});

test("a reader that goes away early is no failure", async () => {
  const running = rig.start(["plan", file]);
  running.process.stdout?.destroy();
  const { exitCode, signal, stderr } = await running.result;
  assert.deepEqual({ exitCode, signal, stderr }, { exitCode: 0, signal: null, stderr: "" });
});

test("usage errors go to stderr, with exit code 2", async () => {
  const { exitCode, stdout, stderr } = await rig.command(["why", file]);
  assert.deepEqual(
    { exitCode, stdout, stderr },
    {
      exitCode: 2,
      stdout: "",
      stderr: "error: missing required argument 'stage'\n(add --help for what it takes)\n",
    },
  );
});
