import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import {
  type LockedStage,
  type Lockfile,
  lockfileText,
  parseLockfile,
} from "../../engine/lockfile.ts";
import { mergeLockfiles } from "../../engine/merge-lockfiles.ts";

const hex = (text: string) => digestOf(text).slice("sha256:".length);
const stage = (key: string): LockedStage => ({
  uses: "clean",
  version: 1,
  params: {},
  key: hex(key),
  inputs: {},
  outputs: { text: digestOf(key) },
  determinism: "exact",
  metrics: {},
});
const source = (text: string) => ({ sha256: hex(text), bytes: text.length });
const lock = (more: Partial<Lockfile> = {}): Lockfile => ({
  lockfile_version: 1,
  tunesmith: "1.0.0",
  pipeline: "demo",
  sources: { "a.csv": source("a") },
  stages: { rows: stage("rows"), clean: stage("clean"), train: stage("train") },
  ...more,
});
const withStages = (changed: Record<string, LockedStage>) =>
  lock({ stages: { ...lock().stages, ...changed } });

test("entries that one side changed, added or removed are taken from it", () => {
  const ours = {
    ...withStages({ clean: stage("ours"), extra: stage("extra") }),
    tunesmith: "1.1.0",
  };
  const { rows: _, ...rest } = lock().stages;
  const theirs = lock({
    stages: { ...rest, train: stage("theirs") },
    sources: { "a.csv": source("longer"), "b.csv": source("b") },
  });
  assert.deepEqual(mergeLockfiles(lock(), ours, theirs), {
    text: lockfileText({
      ...ours,
      sources: theirs.sources,
      stages: { clean: stage("ours"), train: stage("theirs"), extra: stage("extra") },
    }),
    conflicts: [],
  });
});

test("equal changes of both sides agree, with or without a base", () => {
  const both = withStages({ clean: stage("both") });
  const expected = { text: lockfileText(both), conflicts: [] };
  assert.deepEqual(mergeLockfiles(lock(), both, both), expected);
  assert.deepEqual(mergeLockfiles(undefined, both, both), expected);
});

test("an entry that both sides changed is one conflict, a whole block long; the rest is merged", () => {
  const ours = withStages({ clean: stage("ours"), rows: stage("ours too") });
  const { clean: _, ...theirStages } = withStages({ train: stage("theirs") }).stages;
  const theirs = lock({ stages: { ...theirStages, rows: stage("theirs too") } });
  const { text, conflicts } = mergeLockfiles(lock(), ours, theirs);
  assert.deepEqual(conflicts, ["stages.clean", "stages.rows"]);
  const block = (name: string, key: string) => {
    const whole = lockfileText(lock({ sources: {}, stages: { [name]: stage(key) } }));
    return whole.slice(whole.indexOf(`  ${name}:`), whole.indexOf("tunesmith:"));
  };
  const from = text.indexOf("stages:");
  assert.equal(
    text.slice(from, text.indexOf("tunesmith:")),
    `stages:
<<<<<<< ours
${block("clean", "ours")}=======
>>>>>>> theirs
<<<<<<< ours
${block("rows", "ours too")}=======
${block("rows", "theirs too")}>>>>>>> theirs
${block("train", "theirs")}`,
  );
  const parsed = parseLockfile(text);
  assert.equal(
    !parsed.ok && parsed.error.hint,
    "`tunesmith run` of the whole pipeline writes the lockfile anew",
  );
});
