import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { renderDiagnostics } from "../../engine/render-diagnostic.ts";
import { analyzeText } from "../rig/analyze-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const RUNS = 300 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);

const good = `import { defineStage, type Row } from "tunesmith";
import words from "./words.json" with { type: "json" };
const text = { type: "string", description: "😀 \\u{1F600}" } as const;
export default defineStage({
  version: 2,
  params: {
    type: "object",
    properties: { name: text, rate: { type: "number", default: -1e-3, enum: [-1e-3, \`x\`, null] } },
    additionalProperties: false,
  },
  inputs: { rows: { type: "rows", optional: true } },
  outputs: { note: { type: "note" } },
  paths: ["name"],
  async run({ params }): Promise<{ note: string }> {
    const { more } = await import("./more.ts");
    return { note: \`\${params.name satisfies string} \${words}\` as string };
  },
});
`;
const pieces = [
  ...["{", "}", "[", "]", "(", ")", ",", ":", ";", "...", "=>", "?.", "`", "'", '"', "\\", "${"],
  ...["//", "/*", "*/", "<", ">", "@", "#", "/x/", "enum ", "namespace X ", "declare ", "as any"],
  ...["import ", "export ", "await ", "async ", "new ", "function ", "class ", "const text = text"],
  ...["__proto__: null,", "get run() {},", "[text]: 1,", "1n", "-", "0x1", "NaN", "\ufeff", "\r"],
  ...["😀", "\ud800", "\u0000", "\u2028", "import.meta", "import('./x.ts')", "eval('1')"],
];

/** Replaces a span of the text by a piece, or by another span of it. */
const mutation = fc.record({
  start: fc.nat(good.length),
  length: fc.nat({ max: 12 }),
  piece: fc.oneof(
    fc.constantFrom(...pieces),
    fc
      .tuple(fc.nat(good.length), fc.nat({ max: 30 }))
      .map(([at, length]) => good.slice(at, at + length)),
  ),
});

const pipeline = "stages:\n  own: { uses: ./own.ts, with: { name: words.json } }\n";

test("a mutated own stage gives a pipeline or diagnostics within its text, never an exception", async (t) => {
  const folder = await temporaryFolder(t, {
    "package.json": "{}",
    "words.json": "[]",
    "more.ts": "export const more: number = 1;\n",
  });
  const analyzeStage = async (text: string) => {
    await writeFile(join(folder, "own.ts"), text);
    return analyzeText(pipeline, { folder });
  };
  const whole = await analyzeStage(good);
  assert.deepEqual(whole.ok || whole.error.map(({ message }) => message), true);
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      let text = good;
      for (const { start, length, piece } of mutations)
        text = text.slice(0, start) + piece + text.slice(start + length);
      const analyzed = await analyzeStage(text);
      if (analyzed.ok) return;
      assert.ok(analyzed.error.length > 0);
      for (const { file, range, message } of analyzed.error) {
        const { start, end } = range;
        assert.ok(0 <= start && start <= end, `${start}-${end}: ${message}`);
        assert.ok(end <= file.text.length + 1, `${end} of ${file.text.length}: ${message}`);
      }
      renderDiagnostics(analyzed.error);
    }),
    { numRuns: RUNS },
  );
});

test("an own stage nested ten thousand levels deep is refused", async (t) => {
  const folder = await temporaryFolder(t, { "package.json": "{}" });
  const deep = (levels: number) => `export default ${"[".repeat(levels)}${"]".repeat(levels)};\n`;
  for (const name of ["own.ts", "own.mjs"]) {
    await writeFile(join(folder, name), deep(10_000));
    const text = `stages:\n  own: { uses: ./${name} }\n`;
    const analyzed = await analyzeText(text, { folder });
    assert.deepEqual(!analyzed.ok && analyzed.error.map(({ code }) => code), ["invalid-code"]);
  }
});
