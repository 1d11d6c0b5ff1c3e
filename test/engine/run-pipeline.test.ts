import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { recipeOf, traceKeyOf } from "../../engine/build/recipe.ts";
import { withShownPaths } from "../../engine/build/shown-paths.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { defineStage } from "../../engine/stage.ts";
import { BuildRig, mixed, mixKind, stageOf, textArtifact } from "../rig/build-rig.ts";

const mix = mixKind(new Set());
const reads = (stage: string) => ({ a: { stage, port: "text" } });

/** a -> b -> c, where b keeps one letter. */
function chain({ a = "ash", b = "elm", c = "oak" } = {}): readonly PipelineStage[] {
  return [
    stageOf(mix, "a", { word: a, keep: 6 }),
    stageOf(mix, "b", { word: b, keep: 1 }, reads("a")),
    stageOf(mix, "c", { word: c, keep: 6 }, reads("b")),
  ];
}

test("a second run executes nothing; a changed param re-runs its stage and what reads it", async () => {
  await using rig = await BuildRig.create();
  assert.deepEqual((await rig.run(chain())).summary.executed, ["a", "b", "c"]);
  assert.deepEqual((await rig.run(chain())).summary.cached, ["a", "b", "c"]);
  assert.deepEqual((await rig.run(chain({ c: "yew" }))).summary.executed, ["c"]);
});

test("early cutoff: where a re-run stage gives equal bytes, nothing below it runs", async () => {
  const a = mixed({ word: "ash", keep: 6 }, []);
  const letter = (word: string) => mixed({ word, keep: 1 }, [a]);
  const other = Array.from({ length: 100 }, (_, n) => `word${n}`).find(
    (word) => letter(word) === letter("elm"),
  );
  await using rig = await BuildRig.create();
  await rig.run(chain());
  const { executed, cached } = (await rig.run(chain({ b: other! }))).summary;
  assert.deepEqual({ executed, cached }, { executed: ["b"], cached: ["a", "c"] });
});

test("a renamed stage, a default made explicit and another order of params execute nothing", async () => {
  await using rig = await BuildRig.create();
  await rig.run([stageOf(mix, "a", { word: "ash", keep: 6 })]);
  const renamed = await rig.run([stageOf(mix, "z", { keep: 6, word: "ash" })]);
  assert.deepEqual(renamed.summary.cached, ["z"]);
});

test("targets bring up what they need; force executes what is up to date", async () => {
  await using rig = await BuildRig.create();
  assert.deepEqual((await rig.run(chain(), { targets: ["b"] })).summary.executed, ["a", "b"]);
  assert.deepEqual((await rig.run(chain(), { targets: ["b"], forced: ["b"] })).summary.executed, [
    "b",
  ]);
});

test("a failed stage stops its branch; keep-going finishes the others", async () => {
  const stages = (failing: readonly string[]) => {
    const kind = mixKind(new Set(failing));
    return [
      stageOf(kind, "bad", { word: "ash", keep: 6 }),
      stageOf(kind, "below", { word: "elm", keep: 6 }, reads("bad")),
      stageOf(kind, "other", { word: "oak", keep: 6 }),
    ];
  };
  await using rig = await BuildRig.create();
  const { executed, failed, skipped } = (await rig.run(stages(["ash"]), { keepGoing: true }))
    .summary;
  assert.deepEqual(
    { executed, failed, skipped },
    { executed: ["other"], failed: ["bad"], skipped: ["below"] },
  );
  const failure = rig.events.find((event) => event.type === "stage" && event.state === "failed");
  assert.deepEqual(failure && "problem" in failure && failure.problem, {
    code: "told-to",
    message: "failing on ash",
  });
  const stopped = (await rig.run(stages(["ash", "oak"]), { forced: ["bad", "other"] })).summary;
  assert.deepEqual([stopped.failed, stopped.skipped], [["bad"], ["below", "other"]]);
});

test("gates fail the run, also when the stage is cached, and are not part of the key", async () => {
  const measure = defineStage({
    kind: "measure",
    version: 1,
    description: "Gives a metric.",
    params: { type: "object", properties: {}, additionalProperties: false },
    inputs: {},
    outputs: { text: { type: textArtifact, description: "Nothing." } },
    seeded: false,
    deterministic: true,
    environment: [],
    async run({ metric }) {
      metric("accuracy", 0.5);
      return { text: "" };
    },
  });
  const gated = (value: number) => {
    const gates = [
      { metric: "accuracy", operator: ">=", value, range: { start: 0, end: 0 } },
    ] as const;
    return [stageOf(measure, "m", {}, {}, { gates })];
  };
  await using rig = await BuildRig.create();
  assert.deepEqual((await rig.run(gated(0.4))).summary.executed, ["m"]);
  const failed = await rig.run(gated(0.6));
  assert.deepEqual([failed.summary.failed, failed.failures], [["m"], ["gate"]]);
  assert.deepEqual((await rig.run(gated(0.5))).summary.cached, ["m"]);
});

test("a damaged blob is found and healed by running its producer again", async () => {
  await using rig = await BuildRig.create();
  const outcome = await rig.run(chain());
  const { digest } = outcome.built.get("a")!.outputs.text!.tree.files["text.txt"]!;
  const path = rig.cache.blobs.pathOf(digest);
  const bytes = await readFile(path);
  bytes[0]! ^= 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
  const healed = await rig.run(chain());
  assert.deepEqual(healed.summary.executed, ["a"]);
  assert.equal(await rig.text(healed, "a"), await rig.text(outcome, "a"));
  assert.equal((await readdir(rig.cache.folder.quarantine)).length, 1);
});

test("a source that changes while its stage runs: the result is used but not recorded", async () => {
  await using rig = await BuildRig.create();
  await rig.write("data.txt", "before");
  const absolute = join(rig.folder, "data.txt");
  const reader = defineStage({
    kind: "reader",
    version: 1,
    description: "Reads a file that is edited meanwhile.",
    params: {
      type: "object",
      properties: { file: { type: "string" } },
      additionalProperties: false,
    },
    inputs: {},
    outputs: { text: { type: textArtifact, description: "The text." } },
    seeded: false,
    deterministic: true,
    environment: [],
    async run({ params }: { params: { file: string } }) {
      const text = await readFile(params.file, "utf8");
      if (text === "before") await writeFile(params.file, "edited!");
      return { text };
    },
  });
  const sources = [{ at: ["file"], absolute, shown: "data.txt", range: { start: 0, end: 0 } }];
  const stages = [stageOf(reader, "r", { file: "data.txt" }, {}, { sources })];
  const first = await rig.run(stages);
  assert.equal(await rig.text(first, "r"), "before");
  const notice = rig.events.find((event) => event.type === "notice");
  assert.equal(
    notice?.message,
    'data.txt changed while "r" ran: the result is used, but not recorded.',
  );
  assert.deepEqual((await rig.run(stages)).summary.executed, ["r"]);
  assert.deepEqual((await rig.run(stages)).summary.cached, ["r"]);
});

test("a failure ends the wait for a stage that someone else is building", {
  timeout: 10_000,
}, async () => {
  await using rig = await BuildRig.create();
  const kind = mixKind(new Set(["elm"]));
  const theirs = stageOf(kind, "theirs", { word: "ash", keep: 6 });
  const recipe = recipeOf(theirs, { inputs: {}, sources: [], facts: {} });
  assert.ok("claim" in rig.cache.claims.tryClaim(traceKeyOf(recipe)));
  const stages = [theirs, stageOf(kind, "ours", { word: "elm", keep: 6 })];
  const { failed, skipped } = (await rig.run(stages, { jobs: 2 })).summary;
  assert.deepEqual({ failed, skipped }, { failed: ["ours"], skipped: ["theirs"] });
});

test("a stage's problem names files as the pipeline file does", () => {
  const sources = [
    {
      at: ["file"],
      absolute: "/home/me/data/a.csv",
      shown: "data/a.csv",
      range: { start: 0, end: 0 },
    },
  ];
  const problem = {
    code: "x",
    message: "/home/me/data/a.csv:3 is ragged.",
    hint: "see /home/me/data/a.csv",
  };
  assert.deepEqual(withShownPaths(problem, stageOf(mix, "a", {}, {}, { sources })), {
    code: "x",
    message: "data/a.csv:3 is ragged.",
    hint: "see data/a.csv",
  });
});
