import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPage } from "../rig/printed-page.ts";

const page = fileURLToPath(new URL("../../docs/own-stages.md", import.meta.url));
const example = (path: string) =>
  readFile(new URL(`../../pipelines/${path}`, import.meta.url), "utf8");

test("the page shows the example's files, and all that its commands print", async () => {
  await checkPage(page, async (text) => {
    const paths = [
      "near-duplicates.tune.yaml",
      "stages/near-duplicates.ts",
      "stages/shingles.ts",
      "data/questions.csv",
    ];
    const files = await Promise.all(
      paths.map(async (path) => [path, await example(path)] as const),
    );
    const [[, pipeline], [, stage]] = files as [[string, string], [string, string]];
    const shown = (language: string) =>
      new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;
    assert.equal(shown("yaml"), pipeline);
    assert.equal(shown("ts"), stage);
    return Object.fromEntries(files);
  });
});
