import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folderOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const textsIn = (folder: string, names: readonly string[]) =>
  names.map((name) => readFileSync(`${folder}/${name}`, "utf8")).join("\n");

/** Files too large or too deep to keep, and kinds that no stage is yet: made in these tests instead. */
const tests = ["hostile.test.ts", "references.test.ts", "matrix.test.ts"];

test("every code that analysis reports has a sample or a test", () => {
  const sources = folderOf("../../engine/pipeline");
  const own = folderOf("../../engine/own-stages");
  const texts = [sources, own].map((folder) => textsIn(folder, readdirSync(folder)));
  const found = texts.join("\n").matchAll(/\bcode: "([a-z0-9-]+)"/g);
  const returned = textsIn(sources, ["explain-violation.ts"]).matchAll(
    /return "([a-z]+(?:-[a-z]+)+)";/g,
  );
  const codes = new Set([...found, ...returned].map((match) => match[1] ?? ""));
  const samples = folderOf("../samples");
  const printed = textsIn(
    samples,
    readdirSync(samples).map((name) => `${name}/expected.txt`),
  );
  const tested = textsIn(folderOf("."), tests);
  const isCovered = (code: string) =>
    printed.includes(`code: ${code}\n`) || tested.includes(`"${code}"`);
  assert.deepEqual([...codes].filter((code) => !isCovered(code)).sort(), []);
  assert.ok(codes.size > 50, `only ${codes.size} codes found`);
});
