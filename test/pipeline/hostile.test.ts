import assert from "node:assert/strict";
import { test } from "node:test";
import { codesOf, placesOf } from "../rig/analyze-rig.ts";

const MOST_MILLISECONDS = 2000;

interface HostileCase {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly codes: readonly string[];
}

const bomb = Array.from({ length: 12 }, (_, i) => {
  const alias = `*a${i - 1}`;
  return `  a${i}: &a${i} [${i === 0 ? "x" : Array(9).fill(alias).join(", ")}]`;
}).join("\n");
const variableBomb = Array.from({ length: 12 }, (_, i) => {
  const reference = `"\${vars.a${i - 1}}"`;
  return `  a${i}: [${i === 0 ? "x" : Array(9).fill(reference).join(", ")}]`;
}).join("\n");
const textBomb = Array.from({ length: 30 }, (_, i) => {
  return `  a${i}: "${i === 0 ? "xxxxxxxx" : `\${vars.a${i - 1}}\${vars.a${i - 1}}`}"`;
}).join("\n");
const chain = Array.from({ length: 3000 }, (_, i) => `  a${i}: \${vars.a${i + 1}}`).join("\n");
const stages = "stages:\n  rows:\n    uses: give\n";

const cases: readonly HostileCase[] = [
  { name: "40 kB of opening brackets", text: "[".repeat(40_000), codes: ["nested-too-deep"] },
  { name: "opening braces", text: "{a: ".repeat(10_000), codes: ["nested-too-deep"] },
  { name: "dashes on one line", text: "- ".repeat(20_000), codes: ["nested-too-deep"] },
  { name: "question marks", text: "? ".repeat(20_000), codes: ["nested-too-deep"] },
  {
    name: "deep block maps",
    text: Array.from({ length: 1000 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
    codes: ["nested-too-deep"],
  },
  {
    name: "brackets closed only in comments",
    text: "[ # ]\n".repeat(5000),
    codes: ["nested-too-deep"],
  },
  {
    name: "50,000 keys",
    text: Array.from({ length: 50_000 }, (_, i) => `k${i}: 1\n`).join(""),
    codes: ["too-many-values"],
  },
  { name: "a million items", text: `a: [${"1,".repeat(500_000)}]`, codes: ["too-many-values"] },
  { name: "alias bomb", text: `vars:\n${bomb}\n${stages}`, codes: ["too-many-values"] },
  { name: "alias of itself", text: `vars: &a [*a]\n${stages}`, codes: ["unknown-alias"] },
  { name: "variable bomb", text: `vars:\n${variableBomb}\n${stages}`, codes: ["too-many-values"] },
  { name: "text bomb", text: `vars:\n${textBomb}\n${stages}`, codes: ["too-many-values"] },
  {
    name: "chain of variables",
    text: `vars:\n${chain}\n  a3000: 1\n${stages}`,
    codes: ["variable-cycle"],
  },
  { name: "more than 1 MiB", text: "# comment\n".repeat(110_000), codes: ["file-too-large"] },
  { name: "1 MiB of comments", text: "#\n".repeat(500_000), codes: ["too-many-values"] },
  { name: "1 MiB of quotes", text: `'${"a ".repeat(500_000)}`, codes: ["unclosed-quote"] },
  { name: "1 MiB in one key", text: `${"k".repeat(1_000_000)}: 1`, codes: ["missing-colon"] },
  { name: "1 MiB of colons", text: ": ".repeat(500_000), codes: ["nested-too-deep"] },
  { name: "1 MiB of stars", text: "*a ".repeat(300_000), codes: ["too-many-values"] },
  { name: "1 MiB of dollars", text: `name: ${"$".repeat(1_000_000)}`, codes: ["missing-key"] },
  {
    name: "1 MiB of references",
    text: `${stages}description: "${"${".repeat(400_000)}"`,
    codes: ["unclosed-reference"],
  },
  {
    name: "1 MiB of double braces",
    text: `${stages}description: "${"${{".repeat(300_000)}"`,
    codes: ["double-braces"],
  },
  {
    name: "thousands of stages that read unknown stages",
    text: `stages:\n${Array.from({ length: 2000 }, (_, i) => `  s${i}: { uses: change, in: t${i} }`).join("\n")}`,
    codes: ["unknown-stage"],
  },
  {
    name: "thousands of unknown variables",
    text: `vars:\n${Array.from({ length: 4000 }, (_, i) => `  a${i}: 1`).join("\n")}\n${stages}    with:\n      parts: [${Array.from({ length: 20_000 }, (_, i) => `"\${vars.b${i}}"`).join(",")}]`,
    codes: ["unknown-variable"],
  },
  { name: "NUL", text: `${stages}name: a\0b`, codes: ["invalid-character"] },
  { name: "escaped NUL", text: `${stages}name: "a\\0b"`, codes: ["invalid-text"] },
  { name: "lone surrogates, escaped", text: `${stages}name: "\\ud83d"`, codes: ["invalid-text"] },
  { name: "not UTF-8", text: Uint8Array.from([0x61, 0xff, 0x62]), codes: ["not-utf-8"] },
  { name: "UTF-16", text: Uint8Array.from([0xff, 0xfe, 0x61, 0x00]), codes: ["not-utf-8"] },
  {
    name: "half a character at the end",
    text: Uint8Array.from([0x61, 0xe2, 0x82]),
    codes: ["not-utf-8"],
  },
  { name: "JavaScript tag", text: `${stages}name: !!js/function 'x'`, codes: ["unknown-tag"] },
  { name: "binary tag", text: `${stages}name: !!binary aGk=`, codes: ["unknown-tag"] },
  { name: "reserved keys", text: `${stages}__proto__: { x: 1 }`, codes: ["reserved-key"] },
  {
    name: "reserved stage",
    text: "stages: { constructor: { uses: give } }",
    codes: ["reserved-key"],
  },
  {
    name: "keys of every object",
    text: "stages: { toString: { uses: give }, valueOf: { uses: hasOwnProperty } }",
    codes: ["unknown-kind"],
  },
  {
    name: "variable named as a method",
    text: `${stages}description: \${vars.toString}`,
    codes: ["unknown-variable"],
  },
  {
    name: "environment named as a method",
    text: `${stages}description: \${env:toString}`,
    codes: ["unset-environment"],
  },
];

for (const { name, text, codes } of cases) {
  test(`hostile file: ${name}`, async () => {
    const start = process.cpuUsage();
    assert.deepEqual(await codesOf(text), codes);
    const milliseconds = process.cpuUsage(start).user / 1000;
    assert.ok(milliseconds < MOST_MILLISECONDS, `took ${milliseconds} ms of the processor`);
  });
}

test("a byte order mark and CRLF line ends change nothing", async () => {
  const text = "\ufeffstages:\r\n  rows:\r\n    uses: give\r\n    wiht: 1\r\n";
  assert.deepEqual(await placesOf(text), ["4:5 unknown-key wiht"]);
  assert.deepEqual(await codesOf("\ufeffstages:\r\n  rows:\r\n    uses: give\r\n"), []);
});

test("64 levels are read, 65 are not", async () => {
  const nested = (levels: number) =>
    `${stages}vars: { a: ${"[".repeat(levels - 2)}${"]".repeat(levels - 2)} }`;
  assert.deepEqual(await codesOf(nested(64)), []);
  assert.deepEqual(await codesOf(nested(65)), ["nested-too-deep"]);
});

test("names with terminal escapes reach the terminal as text", async () => {
  const [first] = await placesOf('stages: { rows: { uses: give, "\\e[2J": 1 } }');
  assert.equal(first, '1:31 unknown-key "\\e[2J"');
});
