import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { formatLockfile } from "../../engine/lockfile-text.ts";
import type { Json } from "../../engine/stage.ts";

const runs = 300 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);

/** Texts that YAML would read as something else, or that need quotes or escapes. */
const awkward = fc.constantFrom(
  "",
  " ",
  "null",
  "Yes",
  "~",
  "-",
  "- a",
  "? a",
  "a: b",
  "a:",
  "a #b",
  "#",
  "1e5",
  "0x1f",
  "12345678901234567890",
  ".inf",
  "-0",
  "2026-11-23",
  "two\nlines\n",
  "\ttab",
  "{}",
  "[",
  "*star",
  "&anchor",
  "!tag",
  "%",
  "@",
  "`",
  "it's",
  '"',
  "\\",
  "<<",
  "__proto__",
  "\u0085\u2028\ufeff",
  "ünïcode 漢字 🙂",
);
const text = fc.oneof(awkward, fc.string({ unit: "grapheme", maxLength: 12 }));
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const root = fc.dictionary(text, value, { minKeys: 1, maxKeys: 5, noNullPrototype: true });

test("whatever a lockfile holds reads back as it was, one line for each fact", () => {
  fc.assert(
    fc.property(root, (written) => {
      const lines = formatLockfile(written);
      assert.deepEqual(parse(lines, { maxAliasCount: 0 }), written);
      assert.equal(lines.trimEnd().split("\n").length, 2 + countFacts(written), lines);
    }),
    { numRuns: runs },
  );
});

test("the order of keys in memory does not show", () => {
  const inOrder = formatLockfile({ a: 1, b: { c: [{ d: 2, e: "x" }] } });
  const reversed = formatLockfile({ b: { c: [{ e: "x", d: 2 }] }, a: 1 });
  assert.equal(
    inOrder,
    "# Written by tunesmith. Commit this file; do not edit it by hand.\n\na: 1\nb:\n  c:\n    - d: 2\n      e: x\n",
  );
  assert.equal(reversed, inOrder);
});

/** Lines that a value takes below its key: one for each scalar, empty list or map, and for each key that has more below. */
function countFacts(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  if (!Array.isArray(value))
    return Object.values(value).reduce((sum: number, item: Json) => sum + 1 + countFacts(item), 0);
  return value.reduce((sum: number, item: Json) => sum + Math.max(1, countFacts(item)), 0);
}
