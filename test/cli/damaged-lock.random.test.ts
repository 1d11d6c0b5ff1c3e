import assert from "node:assert/strict";
import { rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../cli/commands/run.ts";
import { status } from "../../cli/commands/status.ts";
import { type CommandResult, runCommand } from "../rig/command-rig.ts";
import { mutations, randomFrom } from "../rig/mutations.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const rounds = Number(process.env.TUNESMITH_TEST_RUNS ?? 1) > 1 ? 1000 : 24;
const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
const file = "x.tune.yaml";
const lockName = "x.tune.lock.yaml";
const flags = {
  frozen: false,
  force: false,
  jobs: 2,
  keepGoing: false,
  set: [],
  json: false,
};

test("a changed lockfile is noticed by run --frozen, status and verify; a plain run writes it anew", async (t) => {
  const random = randomFrom(seed);
  await using rig = await ProjectRig.create({ "data.csv": smallData, [file]: smallPipeline });
  assert.equal((await rig.command(["run", file])).exitCode, 0);
  const command = (work: Parameters<typeof runCommand>[1]) => runCommand({ cwd: rig.folder }, work);
  // In this process tunesmith has another version, which stands in the lockfile.
  await command((context) => run(context, file, [], flags));
  const sound = await rig.read(lockName);
  const other = sound.replace("vocab_size: 120", "vocab_size: 130");
  const path = join(rig.folder, lockName);
  const names = Object.keys(mutations);
  const told: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    // Most rounds flip a bit: there are more ways to.
    const how = round % 4 === 0 ? names[(round >> 2) % names.length]! : "flips a bit";
    const about = `seed ${seed}, round ${round}: ${how}`;
    await rig.write({ [lockName]: sound, "other.yaml": other });
    await mutations[how]!([path, join(rig.folder, "other.yaml")], random);
    const frozen = await command((context) => run(context, file, [], { ...flags, frozen: true }));
    const seen = await command((context) => status(context, file, { json: true }));
    const verdict = noticed(frozen, JSON.parse(seen.stdout));
    assert.ok(verdict, `${about}\n${frozen.stderr}\n${seen.stdout}`);
    told[verdict] = (told[verdict] ?? 0) + 1;
    if (round % 50 === 1 && verdict === "exit 4") {
      const verified = await rig.command(["verify", file]);
      assert.equal(verified.exitCode, 4, `${about}\n${verified.stdout}${verified.stderr}`);
    }
    const plain = await command((context) => run(context, file, [], flags));
    if (how === "puts a folder there") {
      assert.equal(plain.exitCode, 74, `${about}\n${plain.stderr}`);
      await rm(path, { recursive: true });
      continue;
    }
    assert.equal(plain.exitCode, 0, `${about}\n${plain.stderr}`);
    assert.match(
      plain.stderr,
      /(Wrote|Updated|Replaced the unreadable) x\.tune\.lock\.yaml/,
      about,
    );
    assert.equal(await rig.read(lockName), sound, about);
    assert.ok((await stat(path)).isFile(), about);
    await unlink(path);
  }
  t.diagnostic(`seed ${seed}, ${rounds} changes: ${JSON.stringify(told)}`);
});

/** How a frozen run and `status` tell of a change; nothing where one of them does not. */
function noticed({ exitCode, stderr }: CommandResult, found: SaidStatus): string | undefined {
  const { lockfile, stages, sources } = found;
  const isInStatus =
    lockfile.state !== "present" ||
    lockfile.changes.length > 0 ||
    lockfile.tunesmith !== "0.0.0" ||
    [...stages, ...sources].some(({ state }) => state !== "unchanged");
  if (!isInStatus) return undefined;
  if (exitCode === 4) return "exit 4";
  if (stderr.includes("of another class than the locked one")) return "another class of machine";
  return stderr.includes("Reproduced the lockfile of tunesmith") ? "another version" : undefined;
}

interface SaidStatus {
  readonly lockfile: { readonly state: string; readonly changes: []; readonly tunesmith: string };
  readonly stages: readonly { readonly state: string }[];
  readonly sources: readonly { readonly state: string }[];
}
