import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { defineStage, type StageCheckpoints } from "../../engine/stage.ts";
import { BuildRig, stageOf, textArtifact } from "../rig/build-rig.ts";

interface CountParams {
  readonly word: string;
  readonly to: number;
}

/** What the stage saw when it ran, and where it is to crash. */
const seen: { names: readonly string[]; reads: string[]; crashAfter: number } = {
  names: [],
  reads: [],
  crashAfter: 99,
};

/** Writes a word `to` times, one checkpoint after each, and goes on from the newest that is whole. */
const count = defineStage({
  kind: "count",
  version: 1,
  description: "Counts.",
  params: {
    type: "object",
    properties: { word: { type: "string" }, to: { type: "integer" } },
    additionalProperties: false,
  },
  inputs: {},
  outputs: { text: { type: textArtifact, description: "The words." } },
  seeded: false,
  deterministic: true,
  environment: [],
  notInCheckpoints: ["to"],
  async run(context: { params: CountParams; checkpoints: StageCheckpoints }) {
    const { params, checkpoints } = context;
    seen.names = [...checkpoints.names].sort();
    seen.reads = [];
    let words: string[] = [];
    for (const name of [...seen.names].reverse()) {
      const files = await checkpoints.read(name);
      seen.reads.push("problem" in files ? `${name} damaged` : name);
      if ("problem" in files) continue;
      words = Buffer.from(files.get("words")!).toString().split(" ");
      break;
    }
    while (words.length < params.to) {
      words.push(params.word);
      const name = `count-${words.length}`;
      assert.equal(
        await checkpoints.write(name, new Map([["words", Buffer.from(words.join(" "))]])),
        undefined,
      );
      if (words.length === seen.crashAfter) throw new Error("crashed");
      if (words.length > 2) checkpoints.drop(`count-${words.length - 2}`);
    }
    return { text: words.join(" ") };
  },
});

const stage = (word: string, to: number) => stageOf(count, "words", { word, to });

test("a stage that crashed finds its checkpoints, one with other params that matter does not", async () => {
  await using rig = await BuildRig.create();
  seen.crashAfter = 3;
  const crashed = await rig.run([stage("a", 5)]);
  assert.deepEqual(crashed.summary.failed, ["words"]);
  seen.crashAfter = 99;
  await rig.run([stage("b", 1)]);
  assert.deepEqual(seen.names, []);
  const resumed = await rig.run([stage("a", 5)]);
  assert.deepEqual([seen.names, seen.reads], [["count-1", "count-2", "count-3"], ["count-3"]]);
  assert.equal(await rig.text(resumed, "words"), "a a a a a");
});

test("params that checkpoints are independent of share them; what was dropped is gone", async () => {
  await using rig = await BuildRig.create();
  await rig.run([stage("a", 4)]);
  const longer = await rig.run([stage("a", 6)]);
  assert.deepEqual([seen.names, seen.reads], [["count-3", "count-4"], ["count-4"]]);
  assert.equal(await rig.text(longer, "words"), "a a a a a a");
});

test("a forced stage starts anew; a damaged checkpoint is a problem, and the older one is there", async () => {
  await using rig = await BuildRig.create();
  await rig.run([stage("a", 4)]);
  await rig.run([stage("a", 4)], { forced: ["words"] });
  assert.deepEqual(seen.names, []);
  const bytes = Buffer.from("a a a a");
  const digest = await rig.cache.blobs.put(bytes);
  const path = rig.cache.blobs.pathOf(digest);
  chmodSync(path, 0o644);
  writeFileSync(path, "a a X a");
  const healed = await rig.run([stage("a", 5)]);
  assert.deepEqual(seen.reads, ["count-4 damaged", "count-3"]);
  assert.equal(await rig.text(healed, "words"), "a a a a a");
});

/** Keeps each word of its input as a checkpoint, and tells which it had to make. */
const spell = defineStage({
  kind: "spell",
  version: 1,
  description: "Spells words.",
  params: { type: "object", properties: { by: { type: "string" } }, additionalProperties: false },
  inputs: { words: { type: textArtifact, description: "Words." } },
  outputs: { text: { type: textArtifact, description: "The words that were not known." } },
  seeded: false,
  deterministic: true,
  environment: [],
  notInCheckpoints: [],
  portsNotInCheckpoints: ["words"],
  async run({ inputs, checkpoints }) {
    const words = (await inputs.words.read()).split(" ");
    const made = words.filter((word) => !checkpoints.names.includes(word));
    for (const word of made) await checkpoints.write(word, new Map([["word", Buffer.from(word)]]));
    return { text: made.join(" ") };
  },
});

test("a port that checkpoints are independent of may have other content", async () => {
  await using rig = await BuildRig.create();
  const run = async (word: string, to: number, by: string) =>
    rig.text(
      await rig.run([
        stage(word, to),
        stageOf(spell, "spelled", { by }, { words: { stage: "words", port: "text" } }),
      ]),
      "spelled",
    );
  assert.equal(await run("a b", 1, "x"), "a b");
  assert.equal(await run("b c", 1, "x"), "c");
  assert.equal(await run("b c", 1, "y"), "b c");
});
