import assert from "node:assert/strict";
import { test } from "node:test";
import type { Diagnostic } from "../../engine/diagnostic.ts";
import { renderDiagnostic, renderDiagnostics } from "../../engine/render-diagnostic.ts";

/** A diagnostic about the part of a text between « and ». */
function about(marked: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = marked.indexOf("«");
  const end = marked.indexOf("»") - 1;
  const text = marked.replace(/[«»]/g, "");
  return {
    code: "wrong",
    message: "Wrong.",
    file: { path: "a.yaml", text },
    range: { start, end },
    ...more,
  };
}

test("a diagnostic shows place, message, line, range, hint and code", () => {
  const file = {
    path: "pipelines/sentiment.tune.yaml",
    text: `${"\n".repeat(13)}      dataset: split.training\n`,
  };
  const start = file.text.indexOf("split");
  const diagnostic = {
    code: "unknown-part",
    message: 'Stage "train" reads "split.training", but "split" has splits: train, validation.',
    file,
    range: { start, end: start + 14 },
    hint: 'did you mean "split.train"?',
  };
  assert.equal(
    renderDiagnostic(diagnostic),
    `✘ pipelines/sentiment.tune.yaml:14:16 Stage "train" reads "split.training", but "split" has splits: train, validation.
    14 |       dataset: split.training
       |                ~~~~~~~~~~~~~~
    hint: did you mean "split.train"?
    code: unknown-part
`,
  );
});

test("colour is added only when asked for", () => {
  const red = "\u001b[31m";
  assert.ok(!renderDiagnostic(about("«a»")).includes("\u001b"));
  assert.ok(renderDiagnostic(about("«a»"), { color: true }).startsWith(`${red}✘`));
});

test("the range stands right after tabs, wide characters, emoji and combining marks", () => {
  const frameOf = (marked: string) => renderDiagnostic(about(marked)).split("\n").slice(1, 3);
  assert.deepEqual(frameOf("a:\t«b»"), ["    1 | a:  b", "      |     ~"]);
  assert.deepEqual(frameOf("名前: «日本»"), ["    1 | 名前: 日本", "      |       ~~~~"]);
  assert.deepEqual(frameOf("👩‍👧: «x»"), ["    1 | 👩‍👧: x", "      |     ~"]);
  assert.deepEqual(frameOf("e\u0301: «x»"), ["    1 | e\u0301: x", "      |    ~"]);
});

test("columns count characters, lines end with LF or CRLF", () => {
  assert.ok(
    renderDiagnostic(about("a\r\n😀: «b»\r\n")).startsWith("✘ a.yaml:2:4 Wrong.\n    2 | 😀: b\n"),
  );
});

test("an empty range is one character wide, a range over lines ends with the first", () => {
  assert.deepEqual(renderDiagnostic(about("a: «»")).split("\n").slice(1, 3), [
    "    1 | a:",
    "      |    ~",
  ]);
  assert.deepEqual(renderDiagnostic(about("«a:\n  b»")).split("\n").slice(1, 3), [
    "    1 | a:",
    "      | ~~",
  ]);
  assert.deepEqual(renderDiagnostic(about("«»")).split("\n").slice(1, 3), ["    1 |", "      | ~"]);
});

test("a long line is cut around the range", () => {
  const long = `${"a".repeat(100)}«bbb»${"c".repeat(100)}`;
  assert.deepEqual(renderDiagnostic(about(long), { columns: 40 }).split("\n").slice(1, 3), [
    `    1 | …${"a".repeat(13)}bbb${"c".repeat(14)}…`,
    `      | ${" ".repeat(14)}~~~`,
  ]);
  const range = renderDiagnostic(about(`«${"b".repeat(300)}»`), { columns: 40 }).split("\n");
  assert.deepEqual(range.slice(1, 3), [`    1 | ${"b".repeat(29)}…`, `      | ${"~".repeat(30)}`]);
});

test("nothing in a file can change the terminal", () => {
  const rendered = renderDiagnostic(
    about("a\u001b[31m: «b\u202e»", { message: "Wrong: \u001b[2J\u0007." }),
  );
  assert.deepEqual(rendered.split("\n").slice(0, 3), [
    "✘ a.yaml:1:9 Wrong: <U+001B>[2J<U+0007>.",
    "    1 | a<U+001B>[31m: b<U+202E>",
    `      | ${" ".repeat(15)}${"~".repeat(9)}`,
  ]);
});

test("several diagnostics are counted, and at most a hundred shown", () => {
  const many = Array.from({ length: 103 }, () => about("«a»"));
  assert.ok(renderDiagnostics(many.slice(0, 2)).endsWith("\n    code: wrong\n\n2 errors\n"));
  const rendered = renderDiagnostics(many);
  assert.equal(rendered.match(/✘/g)?.length, 100);
  assert.ok(rendered.endsWith("\n\n… and 3 more\n\n103 errors\n"));
});
