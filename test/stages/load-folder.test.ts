import assert from "node:assert/strict";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { load } from "../../stages/load/load.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

interface Layout {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly splits: Readonly<Record<string, readonly string[]>>;
}

const golden: { readonly datasets: string; readonly layouts: readonly Layout[] } = JSON.parse(
  await readFile(new URL("../golden/dataset-folders.json", import.meta.url), "utf8"),
);

for (const { name, files, splits } of golden.layouts)
  test(`${name}: the splits of datasets ${golden.datasets}`, async (t) => {
    const folder = await temporaryFolder(t, files);
    const { outputs } = await runStage(load, { params: { files: folder } });
    const found = [...outputs.dataset.splits].map(
      ([split, rows]) => [split, rows.map(({ text }) => text)] as const,
    );
    assert.deepEqual(Object.fromEntries(found), splits);
  });

const parquet = join(import.meta.dirname, "../golden/parquet");

test("a folder of Parquet shards; its labels have the names of README.md where the files have none", async (t) => {
  const card = `---
dataset_info:
  features:
  - name: text
    dtype: string
  - name: count
    dtype:
      class_label:
        names:
          '0': none
          '1': one
---
`;
  const folder = await temporaryFolder(t, { "README.md": card });
  await mkdir(join(folder, "data"));
  for (const split of ["train", "test"])
    await copyFile(
      join(parquet, "snappy.parquet"),
      join(folder, "data", `${split}-00000-of-00001.parquet`),
    );
  const { outputs } = await runStage(load, { params: { files: folder } });
  assert.deepEqual([...outputs.dataset.splits.keys()].sort(), ["test", "train"]);
  const counts = outputs.dataset.splits.get("test")!.map(({ columns }) => columns.count);
  assert.deepEqual(counts.slice(3, 9), ["", "", "none", "one", "", ""]);
});

test("folders that cannot be read are told of by what they are", async (t) => {
  const configs = (names: readonly string[]) =>
    `---\nconfigs:\n${names.map((name) => `- config_name: ${name}\n  data_files: ${name}/*\n`).join("")}---\n`;
  const cases = [
    [{}, "the folder has no data that can be read: it is empty, or no folder."],
    [
      {
        "dataset_dict.json": "{}",
        "train/state.json": "{}",
        "train/data-00000-of-00001.arrow": "",
      },
      "save_to_disk wrote this folder; its Arrow files are not read.",
    ],
    [
      { "a.arrow": "", "b.bin": "" },
      "the folder has no data that can be read: its files are: .arrow, .bin.",
    ],
    [
      { "README.md": configs(["en", "fr"]), "en/a.csv": "text\na\n", "fr/b.csv": "text\nb\n" },
      "README.md names several configurations, and none of them as the default: en, fr.",
    ],
    [{ "dataset_info.json": "{", "a.csv": "text\na\n" }, undefined],
  ] as const;
  for (const [files, message] of cases) {
    const folder = await temporaryFolder(t, files);
    const problem = await problemOf(runStage(load, { params: { files: folder } }));
    const expected = message ? `${folder}: ${message}` : `${folder}/dataset_info.json is not JSON.`;
    assert.equal(problem.message, expected);
  }
});

test("a folder stands alone, and its splits are known when it is read", () => {
  const alone = paramsOf(load, { files: "data/imdb" });
  assert.deepEqual(load.check!(alone, {}), []);
  assert.deepEqual(load.parts!(alone, {}), { dataset: undefined });
  const among = paramsOf(load, { files: { train: "data/imdb" } });
  assert.deepEqual(
    load.check!(among, {}).map(({ code, at }) => [code, at]),
    [["folder-among-files", ["files", "train"]]],
  );
});
