import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";

const data = `text,label\n${Array.from({ length: 12 }, (_, n) => `row ${n},${n % 2 ? "a" : "b"}`).join("\n")}\n`;
const pipeline = `stages:
  prepare:
    uses: command
    with:
      run: [node, sub/prepare.mjs]
      files: [sub/prepare.mjs, data.csv]
      outputs: [out/rows.csv]
  rows: { uses: load, with: { files: out/rows.csv, text: text, label: label } }
  clean: { uses: clean, in: rows, with: { rules: [{ min_characters: 1 }] } }
`;
const program = (more: string) => `import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
${more}
mkdirSync("out", { recursive: true });
writeFileSync("out/rows.csv", readFileSync("data.csv"));
`;
const files = {
  "package.json": "{}",
  "data.csv": data,
  "p.tune.yaml": pipeline,
  "sub/prepare.mjs": program(""),
};

/** Times made the same, as wide as they are. */
const stable = (text: string) =>
  text.replace(/ +\d+(\.\d+)? s\b/g, " 1 s").replace(/ +time/, " time");

test("verify: programs run in a clean folder too, and the workspace is left alone", async () => {
  await using rig = await ProjectRig.create(files);
  assert.equal((await rig.run(["p.tune.yaml"])).exitCode, 0);
  const lock = await rig.read("p.tune.lock.yaml");
  const written = await stat(join(rig.folder, "out/rows.csv"));
  const { exitCode, stdout } = await rig.command(["verify", "p.tune.yaml"]);
  assert.deepEqual(
    [exitCode, stable(stdout)],
    [
      0,
      `stage    ran again time
prepare  same bytes 1 s
rows     same bytes 1 s
clean    same bytes 1 s

3 stages: same bytes
`,
    ],
  );
  const now = await stat(join(rig.folder, "out/rows.csv"));
  assert.deepEqual([now.mtimeMs, now.ino], [written.mtimeMs, written.ino]);

  await rig.write({ "p.tune.lock.yaml": lock.replace("dropped: 0", "dropped: 1") });
  const edited = await rig.command(["verify", "p.tune.yaml", "clean"]);
  assert.deepEqual(
    [edited.exitCode, stable(edited.stdout)],
    [
      4,
      `stage  ran again time  findings
clean  differs 1 s  the lockfile was edited: when it ran it gave what it gives now;
                         metrics.dropped: 1 -> 0

1 stage: differs
`,
    ],
  );
});

test("verify: a program that reads what it does not declare fails", async () => {
  await using rig = await ProjectRig.create({
    ...files,
    "sub/prepare.mjs": program('readFileSync("secret.txt");'),
    "secret.txt": "",
  });
  assert.equal((await rig.run(["p.tune.yaml"])).exitCode, 0);
  const { exitCode, stdout, stderr } = await rig.command(["verify", "p.tune.yaml", "prepare"]);
  assert.deepEqual(
    [exitCode, stable(stdout)],
    [
      1,
      `stage    ran again
prepare  not run

1 stage: not run
`,
    ],
  );
  assert.match(stderr, /`node sub\/prepare\.mjs` ended with exit code 1/);
});

test("verify: without a lockfile there is nothing to compare with", async () => {
  await using rig = await ProjectRig.create(files);
  const { exitCode, stderr } = await rig.command(["verify", "p.tune.yaml"]);
  assert.deepEqual(
    [exitCode, stderr],
    [
      4,
      `✘ verify needs a lockfile, and there is none.
    hint: run without --frozen once, and commit the lockfile it writes
    code: lockfile-missing
`,
    ],
  );
});
