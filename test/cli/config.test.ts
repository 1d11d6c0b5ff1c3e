import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { config } from "../../cli/commands/config.ts";
import { runCommand } from "../rig/command-rig.ts";
import { plainKinds } from "../rig/plain-kinds.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const files = {
  "package.json": "{}",
  "p.tune.yaml": `seed: 7
include: shared/common.yaml
vars:
  rate: 0.5
stages:
  a:
    template: given
    matrix: { count: [1, 2] }
    with: { count: "\${matrix.count}", name: mine }
  b: { uses: change, in: "c" }
`,
  "shared/common.yaml": `vars:
  rate: 0.1
  word: theirs
templates:
  given:
    uses: give
    with:
      rate: "\${vars.rate}"
      name: "\${vars.word}"
stages:
  c: { uses: change, in: "a[count=2]" }
`,
  "settings.yaml": "stages.a.with.flag: true\nvars.rate: 0.25\n",
};

async function configOf(context: TestContext, flags: object) {
  const cwd = await temporaryFolder(context, files);
  const given = { set: [], setFile: [], resolved: false, json: false, ...flags };
  const { stdout, stderr } = await runCommand({ cwd, kinds: plainKinds }, (cli) =>
    config(cli, "p.tune.yaml", given),
  );
  assert.equal(stderr, "");
  return stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " "));
}

test("each value stands with the file and line it comes from", async (context) => {
  assert.deepEqual(await configOf(context, {}), [
    "seed: 7 # p.tune.yaml:1",
    'include: "shared/common.yaml" # p.tune.yaml:2',
    "vars.rate: 0.5 # p.tune.yaml:4",
    'vars.word: "theirs" # shared/common.yaml:3',
    'stages.c.uses: "change" # shared/common.yaml:11',
    'stages.c.in: "a[count=2]" # shared/common.yaml:11',
    'stages.a[count=1].uses: "give" # shared/common.yaml:6',
    "stages.a[count=1].with.rate: 0.5 # shared/common.yaml:8 ${vars.rate}",
    'stages.a[count=1].with.name: "mine" # p.tune.yaml:9',
    "stages.a[count=1].with.count: 1 # p.tune.yaml:9 ${matrix.count}",
    'stages.a[count=2].uses: "give" # shared/common.yaml:6',
    "stages.a[count=2].with.rate: 0.5 # shared/common.yaml:8 ${vars.rate}",
    'stages.a[count=2].with.name: "mine" # p.tune.yaml:9',
    "stages.a[count=2].with.count: 2 # p.tune.yaml:9 ${matrix.count}",
    'stages.b.uses: "change" # p.tune.yaml:10',
    'stages.b.in: "c" # p.tune.yaml:10',
    "",
  ]);
});

test("settings files and --set come before the file's values; --resolved adds the defaults", async (context) => {
  const set = ["stages.a.matrix.count=[2]"];
  const lines = await configOf(context, { set, setFile: ["settings.yaml"], resolved: true });
  assert.deepEqual(
    lines.filter((line) => /rate|flag|count:|default/.test(line)),
    [
      "vars.rate: 0.25 # settings.yaml:2",
      "stages.a[count=2].with.rate: 0.25 # shared/common.yaml:8 ${vars.rate}",
      "stages.a[count=2].with.count: 2 # p.tune.yaml:9 ${matrix.count}",
      "stages.a[count=2].with.flag: true # settings.yaml:1",
    ],
  );
  const plain = await configOf(context, { resolved: true });
  assert.deepEqual(
    plain.filter((line) => line.includes("default")),
    [
      "stages.a[count=1].with.flag: false # default",
      "stages.a[count=2].with.flag: false # default",
    ],
  );
});
