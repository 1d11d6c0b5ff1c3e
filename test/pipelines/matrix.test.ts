import assert from "node:assert/strict";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

/** A score for each member that depends on its values alone; `best` is then read by a stage that says which won. */
const pipeline = (seeds: string, mode = "max") => `
stages:
  train:
    uses: command
    matrix: { rate: [1, 2, 3], seed: [${seeds}] }
    with:
      run: [node, train.mjs, "\${matrix.rate}", "\${matrix.seed}"]
      files: [train.mjs]
      outputs: ["out/\${matrix.rate}-\${matrix.seed}/model.txt"]
  measure:
    uses: command
    matrix: train
    in: train
    with:
      run: [node, measure.mjs, "out/\${matrix.rate}-\${matrix.seed}/score.json"]
      files: [measure.mjs]
      outputs: ["out/\${matrix.rate}-\${matrix.seed}/score.json"]
      metrics: "out/\${matrix.rate}-\${matrix.seed}/score.json"
  best:
    uses: select
    in: { candidates: train, metrics: measure }
    with: { metric: score, mode: ${mode} }
  report:
    uses: command
    in: best
    with:
      run: [node, report.mjs]
      files: [report.mjs]
      outputs: [best.txt]
`;

const project = {
  "package.json": "{}",
  "p.tune.yaml": pipeline("1, 2, 3"),
  "train.mjs": `
import { writeFileSync } from "node:fs";
const [rate, seed] = process.argv.slice(2);
writeFileSync(\`out/\${rate}-\${seed}/model.txt\`, \`rate \${rate} seed \${seed}\`);
`,
  // Members with seed 1 and 3 have equal scores; seed 4 is better than all.
  "measure.mjs": `
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
const folder = process.env.TUNESMITH_INPUT;
const [, rate, seed] = /rate (.) seed (.)/.exec(readFileSync(\`\${folder}/\${readdirSync(folder, { recursive: true }).find((n) => n.endsWith("model.txt"))}\`, "utf8"));
writeFileSync(process.argv[2], JSON.stringify({ score: Number(rate) + [0, 0.5, 0.2, 0.5, 0.9][seed] }));
`,
  "report.mjs": `
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
const folder = process.env.TUNESMITH_INPUT;
const name = readdirSync(folder, { recursive: true }).find((n) => n.endsWith("model.txt"));
writeFileSync("best.txt", readFileSync(\`\${folder}/\${name}\`, "utf8"));
`,
};

test("one value added to a matrix of 3 x 3 runs only the new members; what reads the winner runs only if it is another", async () => {
  await using rig = await ProjectRig.create(project);
  const first = await rig.run(["p.tune.yaml", "--jobs", "2"]);
  assert.equal(first.executed.length, 9 + 9 + 2);
  // rate 3 with seed 1 and with seed 3 are equal: the first in the order of the matrix is taken.
  assert.equal(await rig.read("best.txt"), "rate 3 seed 1");

  await rig.write({ "p.tune.yaml": pipeline("1, 2, 3, 0") });
  const worse = await rig.run(["p.tune.yaml", "--jobs", "2"]);
  const added = (stage: string, seed: number) =>
    [1, 2, 3].map((rate) => `${stage}[rate=${rate},seed=${seed}]`);
  assert.deepEqual(worse.executed.toSorted(), [...added("measure", 0), ...added("train", 0)]);

  await rig.write({ "p.tune.yaml": pipeline("1, 2, 3, 0, 4") });
  const better = await rig.run(["p.tune.yaml", "--jobs", "2"]);
  assert.deepEqual(better.executed.toSorted(), [
    "best",
    ...added("measure", 4),
    "report",
    ...added("train", 4),
  ]);
  assert.equal(await rig.read("best.txt"), "rate 3 seed 4");

  await rig.write({ "p.tune.yaml": pipeline("1, 2, 3, 0, 4", "min") });
  const { stdout } = await rig.command(["plan", "p.tune.yaml"]);
  assert.match(stdout, /best/);
  const least = await rig.command(["run", "p.tune.yaml", "report"]);
  assert.match(least.stderr, /"best" is train\[rate=1,seed=0\]\./);
  assert.equal(await rig.read("best.txt"), "rate 1 seed 0");
});

test("a name on the command line stands for all members; a metric that no candidate has is named", async () => {
  await using rig = await ProjectRig.create(project);
  const some = await rig.run(["p.tune.yaml", "measure[rate=1,seed=2]"]);
  assert.deepEqual(some.executed, ["train[rate=1,seed=2]", "measure[rate=1,seed=2]"]);
  const all = await rig.run([
    "p.tune.yaml",
    "train",
    "--force",
    "train",
    "--set",
    "stages.train.matrix.rate=[1]",
  ]);
  assert.deepEqual(all.executed, [
    "train[rate=1,seed=1]",
    "train[rate=1,seed=2]",
    "train[rate=1,seed=3]",
  ]);
  const set = ["--set", "stages.train.matrix.rate=[1]", "--set", "stages.best.with.metric=f1"];
  const { stderr, exitCode } = await rig.command(["run", "p.tune.yaml", "best", ...set]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /✘ best: The metric "f1" of "train\[rate=1,seed=1\]" is not known\.\n {4}hint: its metrics: score\n/,
  );
});
