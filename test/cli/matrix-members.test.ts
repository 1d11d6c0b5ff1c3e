import assert from "node:assert/strict";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const data = `text,label\n${Array.from({ length: 12 }, (_, n) => `row ${n},${n % 2 ? "a" : "b"}`).join("\n")}\n`;
const pipeline = (values: string) => `stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  clean:
    uses: clean
    matrix: { minimum: [${values}] }
    in: rows
    with: { rules: [{ min_characters: "\${matrix.minimum}" }] }
`;

/** Times made the same, digests left out. */
const stable = (text: string) =>
  text
    .replace(/ +\d+(\.\d+)? s\b/g, " 1 s")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME")
    .replace(/^[0-9a-f]{6}(?= )/gm, "RUN")
    .replace(/\b[0-9a-f]{12}\b/g, "KEY")
    .replace(/ +(time|expected|started)\b/g, " $1");

test("members of a matrix: one added runs alone; why, metrics, show and verify take the matrix's name", async () => {
  await using rig = await ProjectRig.create({
    "package.json": "{}",
    "data.csv": data,
    "p.tune.yaml": pipeline("1, 6"),
  });
  const command = async (...args: readonly string[]) => {
    const { exitCode, stdout } = await rig.command(args);
    return [exitCode, stable(stdout)];
  };
  assert.equal((await rig.run(["p.tune.yaml"])).exitCode, 0);
  await rig.write({ "p.tune.yaml": pipeline("1, 6, 5") });
  assert.deepEqual(await command("plan", "p.tune.yaml", "clean"), [
    0,
    `stage             kind   plan      why
rows              load   cached
clean[minimum=1]  clean  cached
clean[minimum=6]  clean  cached
clean[minimum=5]  clean  will run  never ran before

1 will run, 3 cached: 1 without a past run
`,
  ]);
  assert.deepEqual(await command("why", "p.tune.yaml", "clean[minimum=5]"), [
    0,
    `clean[minimum=5] will run:
  never ran before: a new member of the matrix, beside 2 others
stays as it is: rows, clean[minimum=1], clean[minimum=6]
`,
  ]);
  assert.deepEqual((await rig.run(["p.tune.yaml"])).executed, ["clean[minimum=5]"]);
  assert.deepEqual(await command("metrics", "p.tune.yaml", "clean", "--sort", "rows"), [
    0,
    `run started               stage             rows  dropped
RUN  TIME  clean[minimum=1]    12        0
RUN  TIME  clean[minimum=5]    12        0
RUN  TIME  clean[minimum=6]     2       10
`,
  ]);
  await rig.write({ "set.yaml": "stages.clean.matrix.minimum: [1]\n" });
  assert.deepEqual(await command("graph", "p.tune.yaml", "--set-file", "set.yaml"), [
    0,
    `●  rows              load   data.csv
●  clean[minimum=1]  clean  rows
`,
  ]);
  assert.deepEqual(await command("show", "p.tune.yaml", "clean"), [
    0,
    `clean  3 members

member            state   made time  metrics
clean[minimum=1]  cached  TIME 1 s  rows 12, dropped 0
clean[minimum=6]  cached  TIME 1 s  rows 2, dropped 10
clean[minimum=5]  cached  TIME 1 s  rows 12, dropped 0

one of them: tunesmith show p.tune.yaml 'clean[minimum=1]'
`,
  ]);
  assert.deepEqual(await command("show", "p.tune.yaml", "clean", "--log"), [2, ""]);
  assert.deepEqual(await command("verify", "p.tune.yaml", "clean"), [
    0,
    `stage             ran again time
clean[minimum=1]  same bytes 1 s
clean[minimum=6]  same bytes 1 s
clean[minimum=5]  same bytes 1 s

3 stages: same bytes
`,
  ]);
});
