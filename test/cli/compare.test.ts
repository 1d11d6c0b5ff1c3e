import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { digestOf, hexOf } from "../../cache/digest.ts";
import { openCache } from "../../cache/open-cache.ts";
import { compareDestinations } from "../../cli/compare-destinations.ts";
import { compareSources } from "../../cli/compare-sources.ts";
import type { Evaluation } from "../../cli/describe-stage.ts";
import { parseOutputName } from "../../cli/select-output.ts";
import { renderEvaluation } from "../../cli/text/render-evaluation.ts";
import { putTree } from "../../engine/build/artifact-tree.ts";
import type { Examined } from "../../engine/build/examine-pipeline.ts";
import type { Lockfile } from "../../engine/lockfile.ts";
import { pipelineOf } from "../rig/reporter-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

async function cacheOf(t: TestContext) {
  const cache = await openCache(join(await temporaryFolder(t), ".tunesmith"));
  t.after(() => cache.close());
  return cache;
}

const lockOf = (rest: Partial<Lockfile>): Lockfile => ({
  lockfile_version: 1,
  tunesmith: "1.0.0",
  pipeline: "test",
  sources: {},
  stages: {},
  ...rest,
});

test("sources: a file, a folder of which two stages read different files, what is new, gone or unreadable", async (t) => {
  const folder = await temporaryFolder(t, {
    "data.csv": "new",
    "same.csv": "same",
    "model/config.json": "{}",
    "model/weights": "old",
    "model/README.md": "does not count",
  });
  const range = { start: 0, end: 0 };
  const source = (shown: string, files?: readonly string[]) => {
    const place = { at: ["files"], absolute: join(folder, shown), shown, range };
    return files === undefined ? place : { ...place, files };
  };
  const pipeline = pipelineOf([
    { name: "a", uses: "load", sources: [source("data.csv"), source("same.csv")] },
    { name: "b", uses: "load", sources: [source("model", ["config.json"])] },
    { name: "c", uses: "load", sources: [source("model", ["weights"]), source("absent.csv")] },
    { name: "d", uses: "load", sources: [source("README.md")] },
  ]);
  await writeFile(join(folder, "README.md"), "");
  const file = (text: string) => ({ sha256: hexOf(digestOf(text)), bytes: text.length });
  const files = { "config.json": hexOf(digestOf("{}")), weights: hexOf(digestOf("older")) };
  const sources = {
    "data.csv": file("old"),
    "same.csv": file("same"),
    model: { ...file("its digest is of two files"), files },
    "gone.csv": file(""),
  };
  assert.deepEqual(await compareSources(pipeline, await cacheOf(t), lockOf({ sources })), [
    { path: "data.csv", state: "modified" },
    { path: "same.csv", state: "unchanged" },
    { path: "model", state: "modified", files: ["weights"] },
    { path: "absent.csv", state: "unreadable" },
    { path: "README.md", state: "new" },
    { path: "gone.csv", state: "removed" },
  ]);
});

test("saved folders: whole, changed by hand, incomplete, gone, and of a result that nobody has", async (t) => {
  const folder = await temporaryFolder(t, { "out/a": "1", "out/deep/b": "2", "out/other": "3" });
  const pipeline = pipelineOf([
    { name: "save", uses: "save", destination: { absolute: join(folder, "out"), shown: "out" } },
  ]);
  const cache = await cacheOf(t);
  const files: Record<string, { digest: ReturnType<typeof digestOf>; bytes: number }> = {};
  for (const [path, text] of [
    ["a", "1"],
    ["deep/b", "2"],
  ] as const)
    files[path] = { digest: await cache.blobs.put(Buffer.from(text)), bytes: 1 };
  const output = await putTree({ type: "folder", format: 1, files }, cache.blobs);
  const examined = new Map<string, Examined>([
    ["save", { state: "pending", upstream: ["train"], changes: [] }],
  ]);
  const stage = { uses: "save", version: 1, params: {}, key: "", inputs: {}, metrics: {} };
  const locked = (folder: typeof output) =>
    lockOf({ stages: { save: { ...stage, determinism: "exact", outputs: { folder } } } });
  const look = async (lock: Lockfile) => {
    const [found] = await compareDestinations(pipeline, examined, cache, lock);
    return [found?.state, found?.files];
  };
  const states = [await look(locked(output))];
  await writeFile(join(folder, "out/deep/b"), "changed");
  states.push(await look(locked(output)));
  await rm(join(folder, "out/a"));
  states.push(await look(locked(output)));
  await rm(join(folder, "out"), { recursive: true });
  states.push(await look(locked(output)));
  states.push(await look(locked(digestOf("no such tree"))));
  assert.deepEqual(states, [
    ["present", []],
    ["modified", ["deep/b"]],
    ["incomplete", ["a", "deep/b"]],
    ["missing", ["a", "deep/b"]],
    ["unknown", []],
  ]);
});

test("an output's name: the longest stage that fits, its first port, a split", () => {
  const pipeline = pipelineOf([
    { name: "split", uses: "split" },
    { name: "split[train=0.5]", uses: "split" },
    { name: "train", uses: "fine-tune" },
  ]);
  const names = ["split", "split.report", "split.test", "split[train=0.5].dataset.test", "train"];
  const parsed = names.map((text) => {
    const result = parseOutputName(text, pipeline);
    return result.ok && [result.value.stage.name, result.value.port, result.value.split];
  });
  assert.deepEqual(parsed, [
    ["split", "dataset", undefined],
    ["split", "report", undefined],
    ["split", "dataset", "test"],
    ["split[train=0.5]", "dataset", "test"],
    ["train", "model", undefined],
  ]);
});

const evaluation: Evaluation = {
  split: "test",
  labels: ["games", "tools", "データ"],
  classes: [
    { label: "games", precision: 0.912345, recall: 0.8, f1: 0.85, support: 10 },
    { label: "tools", precision: 0.5, recall: 1, f1: 2 / 3, support: 4 },
    { label: "データ", precision: 0, recall: 0, f1: 0, support: 1 },
  ],
  confusion: [
    [8, 2, 0],
    [0, 4, 0],
    [0, 1, 0],
  ],
};
const room = { color: false, environment: { LANG: "C.UTF-8" } };

test("an evaluation: classes, and the confusion matrix where it fits", () => {
  assert.equal(
    renderEvaluation(evaluation, { ...room, columns: 80 }).join("\n"),
    `on test
label   precision  recall      f1  rows
games      0.9123  0.8000  0.8500    10
tools      0.5000  1.0000  0.6667     4
データ     0.0000  0.0000  0.0000     1

true label, by predicted one
        games  tools  データ
games       8      2       0
tools       0      4       0
データ      0      1       0`,
  );
});

test("an evaluation on a narrow terminal: the mistakes made most", () => {
  assert.equal(
    renderEvaluation(evaluation, { ...room, columns: 29 })
      .slice(-4)
      .join("\n"),
    `mistakes made most
rows  true label  predicted
   2  games       tools
   1  データ      tools`,
  );
});
