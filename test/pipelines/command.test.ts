import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isAlive } from "../rig/is-alive.ts";
import { ProjectRig } from "../rig/project-rig.ts";

/** upper: a pattern of files to one output. joined: reads that output by its path, and another's by `in`. */
const pipeline = `
stages:
  upper:
    uses: command
    with:
      run: [node, upper.mjs]
      files: [upper.mjs, "data/**/*.txt"]
      outputs: [out/upper.txt, out/size.json]
      metrics: out/size.json
  more:
    uses: command
    with: { shell: "echo more > more.txt", outputs: [more.txt] }
  joined:
    uses: command
    in: more
    with:
      run: [node, -e, 'require("fs").writeFileSync("joined.txt", require("fs").readFileSync("out/upper.txt") + require("fs").readFileSync(process.env.TUNESMITH_INPUT + "/more.txt") + process.env.SUFFIX + process.env.SECRET)']
      files: [out/upper.txt]
      outputs: [joined.txt]
      env: [SUFFIX]
`;

const upper = `
import { readFileSync, writeFileSync } from "node:fs";
const text = readFileSync("data/a.txt", "utf8").toUpperCase();
console.log("working");
if (text.startsWith("BAD")) { writeFileSync("out/upper.txt", "half"); console.error("no good"); process.exit(3); }
writeFileSync("out/upper.txt", text);
writeFileSync("out/size.json", JSON.stringify({ size: { characters: text.length } }));
`;

const project = () =>
  ProjectRig.create({
    "p.tune.yaml": pipeline,
    "upper.mjs": upper,
    "data/a.txt": "one\n",
    "data/deep/b.txt": "two\n",
    "package.json": "{}",
  });
const environment = { SUFFIX: "end ", SECRET: "x" };

test("commands run once, wait for the files they read, and see only the environment they name", async () => {
  await using rig = await project();
  const first = await rig.run(["p.tune.yaml", "--jobs", "2"], environment);
  assert.deepEqual(first.executed, ["upper", "more", "joined"]);
  assert.equal(await rig.read("joined.txt"), "ONE\nmore\nend undefined");
  const lock = await rig.read("p.tune.lock.yaml");
  assert.match(lock, /metrics:\n {6}size_characters: 4\n/);
  assert.match(lock, /"data\/\*\*\/\*\.txt":\n {4}bytes: 8\n/);

  const again = await rig.run(["p.tune.yaml"], { ...environment, SECRET: "y" });
  assert.deepEqual(again.cached, ["upper", "more", "joined"]);

  const other = await rig.run(["p.tune.yaml"], { ...environment, SUFFIX: "fin " });
  assert.deepEqual(other.executed, ["joined"]);

  await rig.write({ "data/deep/c.txt": "three\n" });
  const added = await rig.run(["p.tune.yaml"], { ...environment, SUFFIX: "fin " });
  assert.deepEqual([added.executed, added.cached], [["upper"], ["more", "joined"]]);
});

test("outputs are put back when missing; a failed command leaves those of the run before", async () => {
  await using rig = await project();
  await rig.run(["p.tune.yaml"], environment);
  await rm(join(rig.folder, "out"), { recursive: true });
  const back = await rig.run(["p.tune.yaml"], environment);
  assert.deepEqual([back.executed, await rig.read("out/upper.txt")], [[], "ONE\n"]);

  await rig.write({ "data/a.txt": "bad\n" });
  const failed = await rig.command(["run", "p.tune.yaml"], environment);
  assert.equal(failed.exitCode, 1);
  assert.match(failed.stderr, /✘ upper: `node upper\.mjs` ended with exit code 3\./);
  assert.match(failed.stderr, /\| no good/);
  assert.equal(await rig.read("out/upper.txt"), "ONE\n");
  assert.ok(!existsSync(join(rig.folder, "out/.upper.txt.tunesmith-previous")));
});

test("looking at a pipeline runs nothing of it", async () => {
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "p.tune.yaml":
      "stages: { a: { uses: command, with: { shell: touch ran.txt, outputs: [ran.txt] } } }\n",
  });
  for (const name of ["validate", "plan", "graph", "status"])
    assert.ok([0, 1, 4].includes((await rig.command([name, "p.tune.yaml"])).exitCode ?? -1), name);
  assert.ok(!existsSync(join(rig.folder, "ran.txt")));
});

test("each gpu stage gets a device of its own, the third waits; a timeout leaves no process behind", async () => {
  const write = (name: string) =>
    `require("fs").writeFileSync("${name}", process.env.CUDA_VISIBLE_DEVICES)`;
  const gpu = (name: string) =>
    `  ${name}: { uses: command, resources: { gpu: 1 }, with: { run: [node, -e, 'setTimeout(() => ${write(name)}, 1500)'], outputs: [${name}] } }\n`;
  // The child leads a group and a session of its own, and its parent's output is not its own.
  const leave =
    'const c = require("child_process").spawn("sleep", ["300"], { detached: true, stdio: "ignore" }); console.log("pid " + c.pid); setInterval(() => {}, 1000)';
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "config.yaml": "slots: { gpu: [4, 7] }\n",
    "p.tune.yaml": `stages:\n${gpu("a")}${gpu("b")}${gpu("c")}  late:\n    uses: command\n    timeout: 4s\n    with:\n      run: [node, -e, '${leave}']\n`,
  });
  const args = ["run", "p.tune.yaml", "--jobs", "4", "--keep-going", "--json"];
  const { stdout, exitCode } = await rig.command(args, { TUNESMITH_CONFIG: "config.yaml" });
  assert.equal(exitCode, 1);
  const given = await Promise.all(["a", "b"].map((name) => rig.read(name)));
  assert.deepEqual(given, ["4", "7"]);
  assert.ok(["4", "7"].includes(await rig.read("c")));
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const firstEnd = events.findIndex(({ stage, state }) => state === "executed" && stage !== "late");
  assert.ok(
    events.findIndex(({ stage, state }) => stage === "c" && state === "started") > firstEnd,
  );
  const failed = events.find(({ state }) => state === "failed");
  assert.equal(failed.problem.code, "timeout");
  const pid = events.flatMap(({ line }) => /^pid ([0-9]+)$/.exec(line ?? "")?.[1] ?? [])[0];
  assert.equal(isAlive(Number(pid)), false);
});
