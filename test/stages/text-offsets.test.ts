import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { codePointsOf } from "../../stages/code-points.ts";
import { Encoder } from "../../stages/tokenize/encoder.ts";

const GOLDEN = new URL("../golden/tokenizers/", import.meta.url).pathname;

interface GoldenOffsets {
  readonly text: string;
  readonly input_ids: readonly number[];
  /** In code points, as Python has them. */
  readonly offsets: readonly (readonly [number, number])[];
}

const golden: Readonly<Record<string, readonly GoldenOffsets[]>> = JSON.parse(
  readFileSync(join(GOLDEN, "offsets.json"), "utf8"),
);

function encoderOf(name: string): Encoder {
  const files = ["tokenizer.json", "tokenizer_config.json"].map((file) => join(GOLDEN, name, file));
  return new Encoder(
    new Map(files.filter(existsSync).map((path) => [path.split("/").at(-1)!, readFileSync(path)])),
  );
}

for (const [name, texts] of Object.entries(golden))
  test(`${name}: tokens of difficult strings stand where Rust's tokenizers find them`, () => {
    const encoder = encoderOf(name);
    for (const { text, input_ids, offsets } of texts) {
      const { ids, begins, ends } = encoder.encodeWithOffsets(text);
      assert.deepEqual(ids, input_ids, JSON.stringify(text));
      const { fromCodeUnit } = codePointsOf(text);
      for (const [i, [begin, end]] of offsets.entries()) {
        const place = `token ${i} of ${JSON.stringify(text)}`;
        if (begin < end)
          assert.deepEqual([fromCodeUnit(begins[i]!), fromCodeUnit(ends[i]!)], [begin, end], place);
        else assert.equal(begins[i], ends[i], place); // white space only: nowhere
      }
    }
  });
