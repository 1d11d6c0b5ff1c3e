import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { clean } from "../../stages/clean/clean.ts";
import { load } from "../../stages/load/load.ts";
import { datasetOf } from "../rig/rows.ts";
import { paramsOf, problemOf, runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

/** The rows of one file without their ids. */
async function rowsOf(t: TestContext, name: string, content: string, params: object) {
  const folder = await temporaryFolder(t, { [name]: content });
  const { outputs } = await runStage(load, { params: { files: join(folder, name), ...params } });
  return outputs.dataset.splits.get("train")!.map(({ id: _, ...row }) => row);
}

const asked = { prompt: "ask", completion: "reply" };
const translated = { source: "en", target: "fr" };

test("prompts with completions, the same from CSV and JSON Lines, white space kept", async (t) => {
  const expected = [{ text: "2+2= ", completion: "4\n", columns: { from: "x" } }];
  assert.deepEqual(await rowsOf(t, "a.csv", 'ask,from,reply\n2+2= ,x,"4\n"\n', asked), expected);
  const line = '{"ask":"2+2= ","from":"x","reply":"4\\n"}\n';
  assert.deepEqual(await rowsOf(t, "a.jsonl", line, asked), expected);
});

test("sources with targets, and a label beside them", async (t) => {
  const content = "en\tfr\ttopic\nHello\tBonjour\tgreeting\n";
  assert.deepEqual(await rowsOf(t, "a.tsv", content, { ...translated, label: "topic" }), [
    { text: "Hello", label: "greeting", target: "Bonjour", columns: {} },
  ]);
});

test("conversations, from a list or from JSON in a cell; other keys of messages stay", async (t) => {
  const messages = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello!", name: "bot" },
  ];
  const expected = [{ text: "Hi\nHello!", messages, columns: {} }];
  const line = `${JSON.stringify({ chat: messages })}\n`;
  assert.deepEqual(await rowsOf(t, "a.jsonl", line, { messages: "chat" }), expected);
  const cell = JSON.stringify(messages).replaceAll('"', '""');
  assert.deepEqual(await rowsOf(t, "a.csv", `chat\n"${cell}"\n`, { messages: "chat" }), expected);
});

test("rows that differ in what is to be written have ids of their own", async (t) => {
  const folder = await temporaryFolder(t, { "a.csv": "en,fr\na,b\na,c\na,b\n" });
  const params = { files: join(folder, "a.csv"), ...translated };
  const { outputs } = await runStage(load, { params });
  const ids = outputs.dataset.splits.get("train")!.map(({ id }) => id);
  assert.equal(new Set(ids).size, 3);
  assert.equal(ids[2], `${ids[0]}-2`);
});

const said = (messages: unknown) => `${JSON.stringify({ messages })}\n`;
const chat = { messages: "messages" };
const wrong: readonly (readonly [content: string, params: object, code: string, text: string])[] = [
  [
    '{"ask":"a","reply":"b"}\n{"ask":"a","reply":" "}\n',
    asked,
    "empty-completion",
    'a.jsonl:2: "reply" is empty, so the row has no completion.',
  ],
  [
    '{"ask":"","reply":"b"}\n',
    asked,
    "empty-prompt",
    'a.jsonl:1: "ask" is empty, so the row has no prompt.',
  ],
  [
    '{"en":"a","fr":null}\n',
    translated,
    "empty-target",
    'a.jsonl:1: "fr" is empty, so the row has no target.',
  ],
  ['{"en":"a"}\n', translated, "missing-column", 'a.jsonl:1: there is no column "fr".'],
  [said("Hi"), chat, "not-a-conversation", 'a.jsonl:1: "messages" is no list of messages.'],
  [said([]), chat, "not-a-conversation", 'a.jsonl:1: "messages" is no list of messages.'],
  [
    said([{ role: "user", content: "Hi" }, { role: "assistant" }]),
    chat,
    "not-a-conversation",
    'a.jsonl:1: message 2 of "messages" has no role and content that are texts.',
  ],
  [
    said([{ role: "user", content: "Hi" }]),
    chat,
    "not-a-conversation",
    'a.jsonl:1: "messages" has no message of the role assistant.',
  ],
];

for (const [content, params, code, text] of wrong)
  test(`wrong data: ${text}`, async (t) => {
    const folder = await temporaryFolder(t, { "a.jsonl": content });
    const files = join(folder, "a.jsonl");
    const problem = await problemOf(runStage(load, { params: { files, ...params } }));
    assert.deepEqual([problem.code, problem.message.replace(`${folder}/`, "")], [code, text]);
  });

test("params: pairs are named together, and a row has content of one kind", () => {
  const problems = (params: object) =>
    load.check!(paramsOf(load, { files: "a.csv", ...params }), {}).map(({ at, code }) => [
      ...at,
      code,
    ]);
  assert.deepEqual(problems({ prompt: "a" }), [["prompt", "prompt-without-completion"]]);
  assert.deepEqual(problems({ target: "a" }), [["target", "source-without-target"]]);
  assert.deepEqual(problems({ ...asked, messages: "m" }), [["messages", "two-kinds-of-rows"]]);
  assert.deepEqual(problems({ ...asked, format: "txt" }), [
    ["prompt", "param-without-effect"],
    ["completion", "param-without-effect"],
  ]);
});

test("clean: rules change both sides of a pair and each message; duplicates are told by both", async () => {
  const pair = (id: string, text: string, target: string): Row => ({
    id,
    text,
    target,
    columns: {},
  });
  const cleaned = async (rows: readonly Row[], ...rules: readonly unknown[]) => {
    const inputs = { dataset: datasetOf(rows) };
    const { outputs } = await runStage(clean, { params: { rules }, inputs });
    return outputs.dataset.splits.get("train");
  };
  const rows = [pair("1", "a  b", "<b>c</b> d"), pair("2", "a b", "e"), pair("3", "a b", "c d")];
  const duplicates = { drop_duplicates: "text_and_label" };
  assert.deepEqual(await cleaned(rows, "strip_html", "collapse_whitespace", duplicates), [
    pair("1", "a b", "c d"),
    pair("2", "a b", "e"),
  ]);
  assert.deepEqual(
    await cleaned([pair("1", "a", "<b></b>"), pair("2", "a", "b")], "strip_html", "drop_empty"),
    [pair("2", "a", "b")],
  );
  const messages = [
    { role: "user", content: " Hi" },
    { role: "assistant", content: "Hello  you" },
  ];
  const [row] = (await cleaned(
    [{ id: "1", text: " Hi\nHello  you", messages, columns: {} }],
    "collapse_whitespace",
  ))!;
  assert.equal(row!.text, "Hi\nHello you");
  assert.deepEqual(
    row!.messages!.map(({ content }) => content),
    ["Hi", "Hello you"],
  );
});
