import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ProjectRig } from "../rig/project-rig.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const tsx = fileURLToPath(import.meta.resolve("tsx"));
const pipeline = (minimum: number, share: number) => `stages:
  rows: { uses: load, with: { files: data.csv, text: text, label: label } }
  clean: { uses: clean, in: rows, with: { rules: [{ min_characters: ${minimum} }] } }

  # Two branches change the lines above and below.

  split: { uses: split, in: clean, with: { train: ${share}, test: ${1 - share} } }
`;
const data = `text,label\n${Array.from({ length: 12 }, (_, n) => `row ${n},${n % 2 ? "a" : "b"}`).join("\n")}\n`;

/** Runs git in a rig's folder; resolves to its exit code and all it printed. */
async function git(rig: ProjectRig, ...args: readonly string[]) {
  const identity = [
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@example.org",
    "-c",
    "commit.gpgsign=false",
  ];
  const environment = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  try {
    const done = await promisify(execFile)("git", [...identity, ...args], {
      cwd: rig.folder,
      env: environment,
    });
    return { exitCode: 0, text: done.stdout + done.stderr };
  } catch (error) {
    const failed = error as { code: number; stdout: string; stderr: string };
    return { exitCode: failed.code, text: failed.stdout + failed.stderr };
  }
}

const base = pipeline(1, 0.5);
const edits = {
  clean: pipeline(5, 0.5),
  quarter: pipeline(1, 0.25),
  "three-quarters": pipeline(1, 0.75),
} as const;

/** A repository whose branches each ran another edit of one pipeline. */
async function branchedRepository(): Promise<ProjectRig> {
  const rig = await ProjectRig.create({
    "package.json": "{}",
    "data.csv": data,
    ".gitignore": ".tunesmith/\n",
  });
  const runAndCommit = async (text: string) => {
    await rig.write({ "p.tune.yaml": text });
    assert.equal((await rig.run(["p.tune.yaml"])).exitCode, 0);
    await git(rig, "add", "-A");
    await git(rig, "commit", "-qm", "run");
  };
  await git(rig, "init", "-q", "-b", "main");
  await runAndCommit(base);
  for (const [branch, text] of Object.entries(edits)) {
    await git(rig, "checkout", "-q", "-b", branch, "main");
    await runAndCommit(text);
  }
  return rig;
}

test("lockfiles of branches merge; where both changed a stage, one run resolves the conflict", async (t) => {
  await using rig = await branchedRepository();
  const mergeInto = async (branch: string, other: string) => {
    await git(rig, "reset", "-q", "--hard");
    await git(rig, "checkout", "-q", "-B", "work", branch);
    return git(rig, "merge", "-q", "-m", "merge", other);
  };
  const lockNow = () => rig.read("p.tune.lock.yaml");

  let byGit = "";
  await t.test("different stages, plain git: without hands", async () => {
    assert.equal((await mergeInto("clean", "quarter")).exitCode, 0);
    byGit = await lockNow();
  });

  const command = `"${process.execPath}" --import "${tsx}" "${main}" lock --merge %O %A %B`;
  await git(rig, "config", "merge.tunesmith.driver", command);
  await rig.write({ ".git/info/attributes": "*.tune.lock.yaml merge=tunesmith\n" });
  await t.test("different stages, the merge driver: the same text", async () => {
    assert.equal((await mergeInto("clean", "quarter")).exitCode, 0);
    assert.equal(await lockNow(), byGit);
  });

  await t.test("the same stage: a clear conflict", async () => {
    const { exitCode, text } = await mergeInto("quarter", "three-quarters");
    assert.equal(exitCode, 1);
    assert.ok(
      text.includes(`✘ Both sides changed stages.split in the lockfile.
    hint: merge the pipeline file, then \`tunesmith run\`: it writes the lockfile anew
    code: lock-conflict
`),
      text,
    );
    assert.deepEqual((await lockNow()).match(/^(<<<<<<<|=======|>>>>>>>).*$/gm), [
      "<<<<<<< ours",
      "=======",
      ">>>>>>> theirs",
    ]);
  });

  await t.test("a run of some stages leaves it as it is", async () => {
    await rig.write({ "p.tune.yaml": edits["three-quarters"] });
    const conflict = await lockNow();
    const { exitCode, stderr } = await rig.command(["run", "p.tune.yaml", "clean"]);
    assert.deepEqual([exitCode, stderr.match(/code: .*/)?.[0]], [4, "code: lockfile-unreadable"]);
    assert.equal(await lockNow(), conflict);
  });

  await t.test("one run resolves it", async () => {
    const { exitCode, stdout, stderr } = await rig.command(["run", "p.tune.yaml", "--json"]);
    const { executed } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assert.deepEqual([executed, exitCode], [[], 0]);
    assert.match(stderr, /^Replaced the unreadable p\.tune\.lock\.yaml\.$/m);
    const { text } = await git(rig, "show", "three-quarters:p.tune.lock.yaml");
    assert.equal(await lockNow(), text);
  });
});
