import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../cache/digest.ts";
import { explainSources } from "../../engine/build/explain-sources.ts";
import type { Json } from "../../engine/stage.ts";

const range = { start: 0, end: 0 };
const of = (content: string) => ({ digest: digestOf(content) });

/** What is said when `files`, with these contents now, held other contents before. */
function explain(now: { readonly [path: string]: string }, before: Json) {
  const paths = Object.keys(now);
  const sources = paths.map((shown, index) => {
    return { at: ["files", index], absolute: `/x/${shown}`, shown, range };
  });
  const after = paths.map((path) => of(now[path]!));
  return explainSources({ sources }, "files", before, after).map(({ text }) => text);
}

const two = { "a.csv": "a", "b.csv": "b" };

test("of several files the one that changed is named", () => {
  assert.deepEqual(explain(two, [of("a"), of("b")]), []);
  assert.deepEqual(explain(two, [of("a"), of("old")]), ["b.csv changed (with.files.1)"]);
  assert.deepEqual(explain(two, [of("old"), of("older")]), [
    "a.csv changed (with.files.0)",
    "b.csv changed (with.files.1)",
  ]);
});

test("files that are new, gone, or in another order", () => {
  assert.deepEqual(explain(two, [of("a")]), ["b.csv is new (with.files)"]);
  assert.deepEqual(explain(two, [of("gone"), of("a"), of("b")]), [
    "1 of its files is gone (with.files)",
  ]);
  assert.deepEqual(explain(two, [of("b"), of("a")]), [
    "with.files: the same files in another order",
  ]);
});

test("a file in a map is named by its place, with both digests", () => {
  const source = { at: ["files", "test"], absolute: "/x/t.csv", shown: "t.csv", range };
  const [before, after] = [{ test: of("old") }, { test: of("new") }];
  assert.deepEqual(explainSources({ sources: [source] }, "files", before, after), [
    {
      field: "with.files.test",
      text: "t.csv changed (with.files.test)",
      from: digestOf("old"),
      to: digestOf("new"),
    },
  ]);
});

test("a param that held no file before is left to be told by its value", () => {
  assert.deepEqual(explain(two, "none"), []);
});
