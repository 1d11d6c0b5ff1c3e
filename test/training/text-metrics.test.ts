import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { bleu, words13a } from "../../training/bleu.ts";
import { chrf } from "../../training/chrf.ts";

interface Case {
  readonly text: string;
  readonly reference: string;
  readonly words: readonly string[];
  readonly bleu: number;
  readonly chrf: number;
}
const path = join(import.meta.dirname, "../golden/text-metrics.json");
const { cases, groups } = JSON.parse(await readFile(path, "utf8")) as {
  cases: readonly Case[];
  groups: Readonly<Record<string, Pick<Case, "bleu" | "chrf">>>;
};

/** To a few roundings: sums are added up in another order. */
function assertScores(some: readonly Case[], expected: Pick<Case, "bleu" | "chrf">): void {
  const given = [some.map(({ text }) => text), some.map(({ reference }) => reference)] as const;
  for (const [name, found] of Object.entries({ bleu: bleu(...given), chrf: chrf(...given) })) {
    const wanted = expected[name as "bleu" | "chrf"];
    assert.ok(Math.abs(found - wanted) < 1e-9, `${name} is ${found}, sacrebleu's is ${wanted}`);
  }
}

for (const one of cases)
  test(`${JSON.stringify(one.text.slice(0, 60))}: words, BLEU and chrF as sacrebleu`, () => {
    assert.deepEqual(words13a(one.text), one.words);
    assertScores([one], one);
  });

test("several texts are scored as one corpus", () => {
  assertScores(cases, groups.all!);
  assertScores(cases.slice(0, 3), groups["first three"]!);
  assertScores(cases.slice(12, 14), groups["no hit"]!);
  assertScores(cases.slice(13, 15), groups["one word each"]!);
});
