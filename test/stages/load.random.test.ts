import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { StageFailure } from "../../engine/diagnostic.ts";
import { load } from "../../stages/load/load.ts";
import { runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const RUNS = 100 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);

function options() {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  return { seed, numRuns: RUNS };
}

const cell = fc.string({
  unit: fc.constantFrom("a", "é", "🙂", ",", '"', "\n", "\r\n", " ", "\t", "\\"),
  maxLength: 6,
});

test("what a CSV writer quotes is read as it was, and as the same rows in JSON Lines", async (t) => {
  const folder = await temporaryFolder(t);
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const property = fc.asyncProperty(
    fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }),
    async (rows) => {
      const csv = rows.map(([text, other]) => `${quoted(text)},${quoted(other)}\r\n`).join("");
      const jsonl = rows.map(([text, other]) => `${JSON.stringify({ text, other })}\n`).join("");
      const read = async (name: string, content: string) => {
        await writeFile(join(folder, name), content);
        const { outputs } = await runStage(load, { params: { files: join(folder, name) } });
        return outputs.dataset.splits.get("train")!;
      };
      const found = await read("a.csv", `text,other\n${csv}`);
      assert.deepEqual(
        found.map(({ text, columns }) => [text, columns.other]),
        rows,
      );
      assert.deepEqual(await read("a.jsonl", jsonl), found);
    },
  );
  await fc.assert(property, options());
});

test("broken files end in a StageFailure that names the file, or in rows; nothing else", async (t) => {
  const folder = await temporaryFolder(t);
  const start = Buffer.from(
    'text,label\n"a ""b""",x\nc,y\n{"text":"é🙂","label":["x",{"y":null}]}\n',
  );
  const edits = fc.array(
    fc.tuple(fc.nat(start.length), fc.constantFrom(...'",\n\r\t\\{}[]:x\0\u00e9\u00ff')),
    { maxLength: 6 },
  );
  const property = fc.asyncProperty(
    edits,
    fc.nat(start.length),
    fc.constantFrom("csv", "tsv", "jsonl", "txt"),
    async (edits, cut, format) => {
      const bytes = Buffer.from(
        start.subarray(format === "jsonl" ? 27 : 0, start.length - (cut % 5)),
      );
      for (const [at, character] of edits)
        if (at < bytes.length) bytes.writeUInt8(character.charCodeAt(0), at);
      const path = join(folder, `a.${format}`);
      await writeFile(path, bytes);
      try {
        const { outputs } = await runStage(load, { params: { files: path } });
        assert.ok(outputs.dataset.splits.get("train")!.length > 0);
      } catch (error) {
        if (!(error instanceof StageFailure)) throw error;
        assert.ok(error.message.startsWith(path), error.message);
      }
    },
  );
  await fc.assert(property, options());
});
