import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const files = {
  "package.json": "{}",
  "data.csv": `text\n${Array.from({ length: 4000 }, (_, n) => `this is row ${n} of them all`).join("\n")}\n`,
  "x.tune.yaml": `name: small
stages:
  rows: { uses: load, with: { files: data.csv, text: text } }
  clean: { uses: clean, in: rows, with: { rules: [lowercase] } }
`,
};
const lock = "x.tune.lock.yaml";

const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const skip = isRoot ? false : "needs root on Linux: it mounts file systems and changes users";

/** A real file system of 8 MiB, until it is disposed of; skips the test where none may be mounted. */
async function smallDisk(t: TestContext, rig: ProjectRig) {
  const folder = join(rig.folder, "disk");
  await mkdir(folder);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", folder]);
  if (status !== 0) {
    t.skip("no file system may be mounted here");
    return undefined;
  }
  const resize = (kib: number) =>
    assert.equal(spawnSync("mount", ["-o", `remount,size=${kib}k`, folder]).status, 0);
  const unmount = () => void spawnSync("umount", ["-l", folder]);
  return { folder, resize, [Symbol.dispose]: unmount };
}

/** Fails unless a run did not succeed, said why and what to do in a few lines, and left the user's files alone. */
async function assertRefused(
  rig: ProjectRig,
  result: { exitCode: number | null; stderr: string; stdout: string },
  said: RegExp,
): Promise<void> {
  assert.ok(result.exitCode === 74 || result.exitCode === 1, `${result.exitCode} ${result.stderr}`);
  assert.match(result.stderr, said);
  assert.match(result.stderr, /hint: /);
  assert.doesNotMatch(result.stderr, /internal|at .*\.ts:\d+/);
  for (const name of ["data.csv", "x.tune.yaml", "package.json"] as const)
    assert.equal(await rig.read(name), files[name]);
}

test("a disk that fills up: the run says so, changes no user file, and succeeds after space is freed", {
  skip,
}, async (t) => {
  await using rig = await ProjectRig.create(files);
  using disk = await smallDisk(t, rig);
  if (disk === undefined) return;
  const environment = { TUNESMITH_CACHE: join(disk.folder, "cache") };
  for (const free of [0, 100_000, 300_000]) {
    const filler = join(disk.folder, "filler");
    await writeFile(filler, Buffer.alloc(8 * 2 ** 20 - free)).catch(() => undefined);
    const full = await rig.command(["run", "x.tune.yaml"], environment);
    if (full.exitCode !== 0) await assertRefused(rig, full, /ENOSPC|no space left/i);
    assert.notEqual(free === 0 ? full.exitCode : 74, 0);
    await rm(filler);
    const { exitCode, failed } = await rig.run(["x.tune.yaml"], environment);
    assert.deepEqual({ exitCode, failed }, { exitCode: 0, failed: [] });
    assert.equal((await rig.command(["cache", "verify"], environment)).exitCode, 0);
    await rm(join(disk.folder, "cache"), { recursive: true });
  }
});

test("a disk that fills up with checkpoints: the last good one stands, and a later run goes on from it to the same bytes", {
  skip,
}, async (t) => {
  const training = {
    "package.json": "{}",
    "data.csv": smallData,
    "x.tune.yaml": smallPipeline.replace(
      "num_train_epochs: 1",
      "num_train_epochs: 6\n      save_strategy: steps\n      save_steps: 1",
    ),
  };
  await using straight = await ProjectRig.create(training);
  assert.equal((await straight.run(["x.tune.yaml"])).exitCode, 0);
  await using rig = await ProjectRig.create(training);
  using disk = await smallDisk(t, rig);
  if (disk === undefined) return;
  const environment = { TUNESMITH_CACHE: join(disk.folder, "cache") };
  assert.equal((await rig.run(["x.tune.yaml", "tokens"], environment)).exitCode, 0);
  const { blocks, bfree, bsize } = await statfs(disk.folder);
  const roomKib = 400;
  disk.resize(((blocks - bfree) * bsize) / 1024 + roomKib);
  const full = await rig.command(["run", "x.tune.yaml", "--json"], environment);
  assert.match(full.stdout, /checkpoint-\d+ could not be (saved|kept).*(ENOSPC|no space left)/);
  assert.equal(full.exitCode, 1, full.stdout);
  disk.resize(32 * 1024);
  const { exitCode, stdout, stderr } = await rig.command(
    ["run", "x.tune.yaml", "--json"],
    environment,
  );
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /goes on from checkpoint-\d+ of /);
  assert.equal(await rig.read(lock), await straight.read(lock));
  assert.equal((await rig.command(["cache", "verify"], environment)).exitCode, 0);
});

test("a cache that became read-only serves what it holds and refuses the rest with a clear message", {
  skip,
}, async (t) => {
  await using rig = await ProjectRig.create(files);
  using disk = await smallDisk(t, rig);
  if (disk === undefined) return;
  const environment = { TUNESMITH_CACHE: join(disk.folder, "cache") };
  assert.equal((await rig.run(["x.tune.yaml"], environment)).exitCode, 0);
  const before = await rig.read(lock);
  assert.equal(spawnSync("mount", ["-o", "remount,ro", disk.folder]).status, 0);
  const served = await rig.run(["x.tune.yaml"], environment);
  assert.deepEqual([served.exitCode, served.cached], [0, ["rows", "clean"]]);
  await rig.write({ "x.tune.yaml": files["x.tune.yaml"].replace("lowercase", "drop_empty") });
  const refused = await rig.command(["run", "x.tune.yaml"], environment);
  await rig.write({ "x.tune.yaml": files["x.tune.yaml"] });
  await assertRefused(rig, refused, /EROFS|read-only/);
  assert.equal(await rig.read(lock), before);
});

test("a limit on the size of files: a clear message, and nothing half-written", {
  skip: process.platform === "win32",
}, async () => {
  await using rig = await ProjectRig.create(files);
  const limited = await rig.command(["run", "x.tune.yaml"], {}, { shell: "ulimit -f 40" });
  await assertRefused(rig, limited, /EFBIG|file too large/i);
  assert.equal((await rig.command(["cache", "verify"])).exitCode, 0);
  assert.equal((await rig.run(["x.tune.yaml"])).exitCode, 0);
});

test("another user's cache: refused within a second with the fix, or used as it is when it may be read", {
  skip,
}, async () => {
  await using rig = await ProjectRig.create(files);
  await chmod(rig.folder, 0o755);
  assert.equal((await rig.run(["x.tune.yaml"])).exitCode, 0);
  await using other = await ProjectRig.create(files);
  for (const path of ["", "data.csv", "x.tune.yaml", "package.json"])
    await chown(join(other.folder, path), 65534, 65534);
  const nobody = { prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] };
  const environment = { TUNESMITH_CACHE: join(rig.folder, ".tunesmith"), HOME: other.folder };
  const served = await other.command(["run", "x.tune.yaml", "--json"], environment, nobody);
  assert.equal(served.exitCode, 0, served.stderr + served.stdout);
  assert.match(served.stdout, /"executed":\[\],"cached":\["rows","clean"\]/);
  assert.equal(await other.read(lock), await rig.read(lock));
  await other.write({ "x.tune.yaml": files["x.tune.yaml"].replace("lowercase", "drop_empty") });
  const refused = await other.command(["run", "x.tune.yaml"], environment, nobody);
  await other.write({ "x.tune.yaml": files["x.tune.yaml"] });
  await assertRefused(other, refused, /EACCES|permission denied/i);
  await chmod(join(rig.folder, ".tunesmith"), 0o700);
  const locked = await other.command(["run", "x.tune.yaml"], environment, nobody);
  await assertRefused(other, locked, /EACCES|permission denied/i);
});
