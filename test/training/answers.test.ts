import assert from "node:assert/strict";
import { test } from "node:test";
import { answerMetrics, normalizedAnswer } from "../../training/answer-metrics.ts";
import { bestAnswers } from "../../training/best-answers.ts";
import golden from "../golden/answers.json" with { type: "json" };

function closeTo(actual: number | undefined, expected: number, what: string, tolerance = 1e-9) {
  const isClose = actual !== undefined && Math.abs(actual - expected) <= tolerance;
  assert.ok(isClose, `${what}: ${actual}, expected ${expected}`);
}

test("answers are compared as SQuAD's script does", () => {
  for (const [text, normalized] of golden.normalized)
    assert.equal(normalizedAnswer(text!), normalized, JSON.stringify(text));
});

function measured(pairs: readonly (readonly (string | readonly string[])[])[], mayBeNone: boolean) {
  const asked = pairs.map(([answers], i) => ({
    id: `${i}`,
    context: "",
    answers: answers as readonly string[],
  }));
  const predicted = pairs.map(([, prediction]) => prediction as string);
  return answerMetrics(asked, predicted, { mayBeNone });
}

test("exact match and F1 of SQuAD 1.1 are torchmetrics'", () => {
  const { pairs, exact_match, f1 } = golden.version_1;
  const found = measured(pairs, false);
  assert.deepEqual(Object.keys(found), ["exact_match", "f1"]);
  closeTo(found.exact_match, exact_match, "exact_match", 1e-4); // in float32
  closeTo(found.f1, f1, "f1", 1e-4);
});

test("of an answer without words F1 is 0 in SQuAD 1.1, and in 2.0 whether there is none", () => {
  assert.deepEqual(measured([[["The"], "the"]], false), { exact_match: 100, f1: 0 });
  assert.deepEqual(measured([[["The"], "the"]], true), {
    exact_match: 100,
    f1: 100,
    HasAns_exact: 100,
    HasAns_f1: 100,
  });
});

test("exact match and F1 of SQuAD 2.0 are those of its script", () => {
  const { pairs, ...expected } = golden.version_2;
  const found: object = measured(pairs, true);
  assert.deepEqual(Object.keys(found).toSorted(), Object.keys(expected).toSorted());
  for (const [name, value] of Object.entries(found))
    closeTo(value, expected[name as keyof typeof expected], name);
});

for (const [i, { rows, options, place, probability, ...others }] of golden.best.entries())
  test(`the best answer of several rows, case ${i}: ${JSON.stringify(options)}`, () => {
    const length = rows[0]!.start.length;
    const tokens = rows.flatMap(({ start, end, places }) =>
      start.map((value, at) => ({ logits: [value, end[at]!], place: places[at] ?? [0, 0] })),
    );
    const questions = {
      asked: [{ id: "q", context: "0123456789".repeat(6), answers: [] }],
      ofRow: new Uint32Array(rows.length),
      begins: Uint32Array.from(tokens, (token) => token.place[0]!),
      ends: Uint32Array.from(tokens, (token) => token.place[1]!),
    };
    const logits = Float32Array.from(tokens.flatMap((token) => token.logits));
    const offsets = Uint32Array.from({ length: rows.length + 1 }, (_, row) => row * length);
    const [found] = bestAnswers(questions, { logits, offsets }, options);
    const [begin, end] = place ?? [0, 0];
    assert.deepEqual([found!.begin, found!.end], [begin, end]);
    assert.equal(found!.text, questions.asked[0]!.context.slice(begin, end));
    closeTo(found!.probability, probability, "probability", 1e-6);
    if (options.version_2_with_negative)
      closeTo(
        found!.nullScoreDifference,
        (others as { null_score_difference: number }).null_score_difference,
        "null score",
        1e-5,
      );
    else assert.equal(found!.nullScoreDifference, undefined);
  });

test("where no token of a context is among the best, there is no answer", () => {
  const questions = {
    asked: [{ id: "q", context: "a", answers: ["a"] }],
    ofRow: Uint32Array.of(0),
    begins: Uint32Array.of(0, 0, 0),
    ends: Uint32Array.of(0, 1, 0),
  };
  const rows = { logits: Float32Array.of(9, 9, 1, 1, 8, 8), offsets: Uint32Array.of(0, 3) };
  const options = {
    n_best_size: 2,
    max_answer_length: 5,
    version_2_with_negative: false,
    null_score_diff_threshold: 0,
  };
  assert.deepEqual(bestAnswers(questions, rows, options), [
    { text: "", begin: 0, end: 0, probability: 0 },
  ]);
  const [found] = bestAnswers(questions, rows, { ...options, n_best_size: 3 });
  assert.deepEqual(found, { text: "a", begin: 0, end: 1, probability: 1 });
});
