import assert from "node:assert/strict";
import { test } from "node:test";
import stringWidth from "string-width";
import { cutTo, wrap } from "../../cli/text/display-width.ts";
import {
  formatBytes,
  formatInstant,
  formatNumber,
  formatRoughSeconds,
  formatSeconds,
  formatWholeSeconds,
} from "../../cli/text/format-quantity.ts";
import { glyphsOf } from "../../cli/text/glyphs.ts";
import { printable, printableLine } from "../../cli/text/printable.ts";
import { renderTable } from "../../cli/text/render-table.ts";
import { widthOf } from "../../engine/text-width.ts";

test("durations", () => {
  const seconds = [
    0, 0.031, 0.094, 0.095, 1.23, 9.96, 59.94, 59.96, 80.4, 3599.4, 3599.6, 3719, 7200,
  ];
  assert.deepEqual(seconds.map(formatSeconds), [
    "0.00 s",
    "0.03 s",
    "0.09 s",
    "0.1 s",
    "1.2 s",
    "10.0 s",
    "59.9 s",
    "1m 00s",
    "1m 20s",
    "59m 59s",
    "1h 00m",
    "1h 02m",
    "2h 00m",
  ]);
  assert.deepEqual([0.4, 15.2, 59.6, 80].map(formatWholeSeconds), [
    "0 s",
    "15 s",
    "1m 00s",
    "1m 20s",
  ]);
  assert.deepEqual([0.4, 9.94, 9.96].map(formatRoughSeconds), ["0.4 s", "9.9 s", "10 s"]);
});

test("widths are those of string-width, for every script that has text and for joined emoji", () => {
  const samples =
    "plain é 日本語 한글 ไทย עברית 🧪 ❤ ❤️ 1️⃣ 👨‍👩‍👧 🇩🇪 👍🏽 ☺️ 𗀀 𛀂 ｆｕｌｌ ﾊﾝ a\u0301 \u001b[31mred\u001b[39m";
  const words = samples.split(" ");
  assert.deepEqual(
    words.map(widthOf),
    words.map((word) => stringWidth(word)),
  );
});

test("numbers have four significant digits, whole ones all of them", () => {
  const values = [0, 11660, 0.81234, 0.7, 3e-5, 0.00012345, 123456.789, 5120.4, -0.5, 1e21];
  assert.deepEqual(values.map(formatNumber), [
    "0",
    "11660",
    "0.8123",
    "0.7",
    "3e-5",
    "1.234e-4",
    "123500",
    "5120",
    "-0.5",
    "1e+21",
  ]);
});

test("sizes and moments", () => {
  const sizes = [0, 1, 999, 1000, 18_249_000, 99_960, 999_999, 2.5e12];
  assert.deepEqual(sizes.map(formatBytes), [
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1.0 KB",
    "18.2 MB",
    "100 KB",
    "1.0 MB",
    "2.5 TB",
  ]);
  assert.equal(formatInstant("2026-11-23T13:35:43.123Z"), "2026-11-23 13:35 UTC");
});

test("texts are cut between characters, by the columns they take", () => {
  assert.deepEqual(
    [10, 6, 5, 4, 1, 0].map((width) => cutTo("データ列", width, "…")),
    ["データ列", "デー…", "デー…", "デ…", "…", ""],
  );
  assert.equal(cutTo("👩‍👩‍👧 family", 5, "..."), "👩‍👩‍👧...");
  assert.equal(widthOf("e\u0301\u001b[31m!\u001b[0m"), 2);
});

test("lines break where they may, and only there", () => {
  assert.deepEqual(wrap("a bb ccc dddddd e", 4), ["a bb", "ccc", "dddddd", "e"]);
  assert.deepEqual(wrap("f1 0.5, loss 0.25, rows 3", 12, ", "), [
    "f1 0.5,",
    "loss 0.25,",
    "rows 3",
  ]);
  assert.deepEqual(wrap("", 4), [""]);
});

test("what comes from data cannot steer the terminal", () => {
  const nasty = "a\u0007b\u001b[2J\tc\u202Ed\u009b31m\r\n\u001b]0;title\u0007e";
  assert.equal(printable(nasty), "ab  cd\ne");
  assert.equal(printableLine("one\n  two\n"), "one two ");
});

const style = { width: 30, ellipsis: "…", paintTitle: (text: string) => `<${text}>` };
const columns = [
  { title: "name", shrinks: true },
  { title: "n", align: "right" },
  { title: "empty" },
  { title: "why" },
] as const;

test("a table wraps its last column, cuts what shrinks, and leaves out what is empty", () => {
  const rows = [
    ["short", "1", "", "one two three four five"],
    ["quite-a-long-name", "10", "", { text: "why", paint: (text: string) => `*${text}*` }],
  ];
  assert.equal(
    renderTable(columns, rows, { ...style, width: 40 }),
    `<name             >  < n>  <why>
short               1  one two three
                       four five
quite-a-long-name  10  *why*
`,
  );
  assert.equal(
    renderTable(columns, rows, style),
    `<name             >  < n>
short               1
  one two three four five
quite-a-long-name  10
  *why*
`,
  );
  assert.equal(
    renderTable(columns, rows, { ...style, width: 18 }),
    `<name          >  < n>
short            1
  one two three
  four five
quite-a-long-…  10
  *why*
`,
  );
});

test("a table without rows is no text at all", () => {
  assert.equal(renderTable(columns, [], style), "");
});

test("Unicode only where the locale has it", () => {
  const bars = [
    { LANG: "C" },
    {},
    { LANG: "en_US.UTF-8" },
    { LC_ALL: "C", LANG: "de_DE.utf8" },
  ].map((environment) => glyphsOf(environment).barDone);
  assert.deepEqual(bars, ["=", "=", "━", "="]);
});
