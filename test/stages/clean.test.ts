import assert from "node:assert/strict";
import { test } from "node:test";
import { clean } from "../../stages/clean/clean.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";

/** The texts that are left. */
async function textsAfter(
  rules: readonly unknown[],
  texts: Parameters<typeof rowsOf>[0],
): Promise<string[]> {
  const inputs = { dataset: datasetOf(rowsOf(texts)) };
  const { outputs } = await runStage(clean, { params: { rules }, inputs });
  return outputs.dataset.splits.get("train")!.map(({ text }) => text);
}

const cases: readonly (readonly [rule: unknown, before: string[], after: string[]])[] = [
  ["unicode_nfc", ["e\u0301", "é"], ["é", "é"]],
  ["lowercase", ["Ünï İ ẞ"], ["ünï i\u0307 ß"]],
  ["collapse_whitespace", [" a\t\n b\u00a0\u3000c  "], ["a b c"]],
  [
    "strip_control",
    ["a\u0000b\u0007c\u200bd\ufeffe\tf\ng\r\n👩\u200d👧"],
    ["abcde\tf\ng\r\n👩\u200d👧"],
  ],
  ["drop_empty", ["", " \t\u00a0", "x"], ["x"]],
  [{ min_characters: 3 }, ["ab", "abc", "🙂🙂", "🙂🙂🙂"], ["abc", "🙂🙂🙂"]],
  [{ max_characters: 2 }, ["ab", "abc", "🙂🙂", "🙂🙂🙂"], ["ab", "🙂🙂"]],
  [{ truncate_characters: 2 }, ["ab", "abc", "🙂🙂🙂"], ["ab", "ab", "🙂🙂"]],
  [{ replace: { pattern: "(\\w+)@\\w+", with: "<$1>" } }, ["me@host you@x"], ["<me> <you>"]],
  [{ replace: { pattern: "(?i)cat", with: "$9$" } }, ["CaT"], ["$9$"]],
  [
    "strip_html",
    [
      "plain & simple, 1 < 2, <3",
      "<p>One<br>two <b>th</b>ree</p><p>four</p>",
      "a<script>var x = '<p>';</script>b<STYLE>p{}</style >c",
      "&lt;p&gt; &amp;amp; caf&eacute; &#x1F642; &nosuch; &amp",
      "a<!-- <b>hidden</b> -->b<img src=x onerror='alert(1)'>c",
      "an <unfinished",
    ],
    [
      "plain & simple, 1 < 2, <3",
      "One two three four ",
      "abc",
      "<p> &amp; café 🙂 &nosuch; &",
      "abc",
      "an ",
    ],
  ],
];

for (const [rule, before, after] of cases)
  test(`rule ${JSON.stringify(rule)}`, async () => {
    assert.deepEqual(await textsAfter([rule], before), after);
  });

test("rules apply in their order", async () => {
  const texts = ["<b> Hi </b>", "<i>hi</i>", "&amp;lt;"];
  assert.deepEqual(
    await textsAfter(["strip_html", "collapse_whitespace", "lowercase", "drop_duplicates"], texts),
    ["hi", "&lt;"],
  );
  assert.deepEqual(await textsAfter(["drop_duplicates", "lowercase", "strip_html"], texts), [
    " hi ",
    "hi",
    "&lt;",
  ]);
});

test("duplicates: the first stays, held-out splits before train; labels that disagree are counted", async () => {
  const rows = rowsOf([
    ["a", "x"],
    ["a", "y"],
    ["b", "x"],
    ["a", "x"],
    ["a", "y"],
    ["c", "x"],
  ]);
  const splits = new Map([
    ["train", rows.slice(0, 3)],
    ["test", rows.slice(3)],
  ]);
  const run = async (rule: unknown) => {
    const { outputs } = await runStage(clean, {
      params: { rules: [rule] },
      inputs: { dataset: { splits } },
    });
    const ids = [...outputs.dataset.splits].map(([split, kept]) => [
      split,
      kept.map(({ id }) => id),
    ]);
    const { rules } = outputs.report as {
      rules: { dropped: number; conflicting_labels: number }[];
    };
    const { dropped, conflicting_labels } = rules[0]!;
    return { ids, dropped, conflicting_labels };
  };
  assert.deepEqual(await run("drop_duplicates"), {
    ids: [
      ["test", ["4", "6"]],
      ["train", ["3"]],
    ],
    dropped: 3,
    conflicting_labels: 2,
  });
  assert.deepEqual(await run({ drop_duplicates: "text_and_label" }), {
    ids: [
      ["test", ["4", "5", "6"]],
      ["train", ["3"]],
    ],
    dropped: 2,
    conflicting_labels: 2,
  });
});

test("the report: what each rule changed and dropped, three examples of each, long texts cut", async () => {
  const texts = ["A  b", "c", "D", "  ", "e".repeat(300), "F", "G", "h"];
  const { outputs, metrics, files } = await runStage(clean, {
    params: { rules: ["collapse_whitespace", "drop_empty", "lowercase", { max_characters: 10 }] },
    inputs: { dataset: datasetOf(rowsOf(texts)) },
  });
  assert.deepEqual(outputs.report, {
    rows_before: 8,
    rows_after: 6,
    rules: [
      {
        rule: "collapse_whitespace",
        changed: 2,
        dropped: 0,
        examples: [
          { id: "1", before: "A  b", after: "A b" },
          { id: "4", before: "  ", after: "" },
        ],
      },
      { rule: "drop_empty", changed: 0, dropped: 1, examples: [{ id: "4", text: "" }] },
      {
        rule: "lowercase",
        changed: 4,
        dropped: 0,
        examples: [
          { id: "1", before: "A b", after: "a b" },
          { id: "3", before: "D", after: "d" },
          { id: "6", before: "F", after: "f" },
        ],
      },
      {
        rule: "max_characters: 10",
        changed: 0,
        dropped: 1,
        examples: [{ id: "5", text: `${"e".repeat(200)}…` }],
      },
    ],
  });
  assert.deepEqual(metrics, { rows: 6, dropped: 2 });
  assert.equal(
    files.dataset.texts()["train/rows.jsonl"]!.split("\n")[0],
    '{"id":"1","text":"a b","columns":{}}',
  );
});

test("refused: rules that leave no row", async () => {
  const inputs = { dataset: datasetOf(rowsOf(["a", "", "b"])) };
  const rules = ["drop_empty", { min_characters: 5 }];
  assert.deepEqual(await problemOf(runStage(clean, { params: { rules }, inputs })), {
    code: "no-rows-left",
    message: "No row is left of 3.",
    hint: "drop_empty dropped 1, min_characters: 5 dropped 2",
  });
});

test("check: a pattern that RE2 does not know is found before the run, with its place", () => {
  const rules = [
    "lowercase",
    { replace: { pattern: "(?<!a)b(", with: "" } },
    { replace: { pattern: "(a)\\1", with: "" } },
  ];
  assert.deepEqual(clean.check!(paramsOf(clean, { rules }), {}), [
    {
      at: ["rules", 1, "replace", "pattern"],
      code: "invalid-pattern",
      message:
        "This is not a regular expression of the RE2 syntax: invalid named capture: `(?<!a)b(`.",
      hint: "look-around and backreferences do not exist in RE2: they cannot be matched in linear time",
    },
    {
      at: ["rules", 2, "replace", "pattern"],
      code: "invalid-pattern",
      message:
        "This is not a regular expression of the RE2 syntax: invalid escape sequence: `\\1`.",
      hint: "look-around and backreferences do not exist in RE2: they cannot be matched in linear time",
    },
  ]);
});

/** Patterns on which backtracking engines take exponential or polynomial time. */
const HOSTILE_PATTERNS = [
  "^(a+)+$",
  "^(a|a)*$",
  "^(a|aa)+$",
  "(x+x+)+y",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(a*)*b",
  "(?:a?){30}a{30}$",
  "\\s*,\\s*(a|b|ab)*,+$",
  "^(.*?,){30}P",
  "(.*)(.*)(.*)(.*)(.*)!!",
];

for (const pattern of HOSTILE_PATTERNS)
  test(`100 kB against ${pattern} takes less than 2 s of processor time`, async () => {
    const text = `${"a".repeat(50_000)}${" ,".repeat(25_000)}!`;
    const start = process.cpuUsage();
    await textsAfter(
      [{ replace: { pattern, with: "" } }, { replace: { pattern: "$", with: "." } }],
      [text],
    );
    assert.ok(process.cpuUsage(start).user < 2e6);
  });
