import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderDiagnostics } from "../../engine/render-diagnostic.ts";
import { analyzeText } from "../rig/analyze-rig.ts";

const RUNS = 300 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
const MOST_MILLISECONDS = 2000;

const good = `# a pipeline
name: "rain \${vars.n}"
vars: { n: 3, list: [a, b], deep: { x: "\${vars.n}" } }
stages:
  given:
    uses: give
    with:
      count: \${vars.n}
      parts: [train, test]
      name: 'it''s'
    require: { rows: ">= 1" }
  changed: { uses: change, in: { rows: given.train, note: given.note } }
  result:
    uses: put
    in: changed
    with: &to { to: out/rows }
    description: |
      two
      lines
`;
const pieces = [
  "\t",
  "  ",
  "\n",
  ": ",
  "- ",
  "? ",
  "[",
  "]",
  "{",
  "}",
  "&a ",
  "*a",
  "!!x ",
  "|",
  ">",
  "'",
  '"',
  "\\",
  "#",
  "---\n",
  "%YAML 1.1\n",
  "${",
  "${{",
  "}",
  "$${",
  "${vars.n}",
  "${env:X:-1}",
  "<<: *to",
  "__proto__: 1",
  "\u0000",
  "\r",
  "\ufeff",
  "😀",
  "\ud800",
  "null",
  "~",
  "017",
  "1_000",
  ".nan",
];

/** Replaces a span of the text by a piece, or by another span of it. */
const mutation = fc.record({
  start: fc.nat(good.length),
  length: fc.nat({ max: 12 }),
  piece: fc.oneof(
    fc.constantFrom(...pieces),
    fc
      .tuple(fc.nat(good.length), fc.nat({ max: 20 }))
      .map(([at, length]) => good.slice(at, at + length)),
  ),
});

test("a mutated file gives a pipeline or diagnostics within the file, never an exception", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      let text = good;
      for (const { start, length, piece } of mutations) {
        text = text.slice(0, start) + piece + text.slice(start + length);
      }
      const before = process.cpuUsage();
      const analyzed = await analyzeText(text);
      if (!analyzed.ok) {
        assert.ok(analyzed.error.length > 0);
        for (const { file, range, message } of analyzed.error) {
          assert.ok(
            0 <= range.start && range.start <= range.end,
            `${range.start}-${range.end}: ${message}`,
          );
          assert.ok(
            range.end <= file.text.length + 1,
            `${range.end} of ${file.text.length}: ${message}`,
          );
        }
        assert.doesNotMatch(renderDiagnostics(analyzed.error), / $/m);
      }
      assert.ok(process.cpuUsage(before).user / 1000 < MOST_MILLISECONDS);
    }),
    { numRuns: RUNS },
  );
});

test("any bytes give diagnostics, never an exception", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const analyzed = await analyzeText(bytes);
      assert.equal(analyzed.ok, false);
    }),
    { numRuns: RUNS },
  );
});
