import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Message } from "../../stages/artifacts/dataset.ts";
import type { TokenizerFiles } from "../../stages/artifacts/tokenizer.ts";
import { ChatTemplate } from "../../stages/tokenize/chat-template.ts";
import { problemOf } from "../rig/run-stage.ts";

const folder = join(import.meta.dirname, "../golden/chat-templates");
const read = (name: string) => readFile(join(folder, name), "utf8");
const conversations: readonly (readonly Message[])[] = JSON.parse(await read("conversations.json"));

/** What transformers makes of a conversation: `parts` are those of {% generation %}, in code points. */
interface Expected {
  readonly text: string;
  readonly prompt: string;
  readonly parts?: readonly (readonly [number, number])[];
}
const expected: Readonly<Record<string, readonly Expected[]>> = JSON.parse(
  await read("expected.json"),
);

function filesWith(template: unknown, more: object = {}): TokenizerFiles {
  const config = { bos_token: "<s>", eos_token: { content: "</s>" }, ...more };
  return new Map([
    ["tokenizer_config.json", Buffer.from(JSON.stringify({ ...config, chat_template: template }))],
  ]);
}

/** What the assistant says in a conversation, as the template writes it. */
async function answersOf(template: ChatTemplate, messages: readonly Message[]) {
  const { text, parts } = await template.write(messages, "it");
  return parts?.map(([begin, end]) => text.slice(begin, end));
}

for (const [name, cases] of Object.entries(expected))
  test(`${name}: conversations and prompts, character by character as transformers writes them`, async () => {
    const template = new ChatTemplate(filesWith(await read(`${name}.jinja`)));
    for (const [i, { text, prompt, parts }] of cases.entries()) {
      const messages = conversations[i]!;
      assert.equal((await template.write(messages, "it")).text, text);
      assert.equal(await template.prompt(messages.slice(0, -1), "it"), prompt);
      if (parts === undefined) continue;
      const characters = Array.from(text);
      const said = parts.map(([begin, end]) => characters.slice(begin, end).join(""));
      assert.deepEqual(await answersOf(template, messages), said);
    }
    await template.close();
  });

test("without tags the assistant says what its messages add; where earlier ones are rewritten, nobody knows", async () => {
  const plain = new ChatTemplate(filesWith(await read("plain.jinja")));
  assert.deepEqual(await answersOf(plain, conversations[0]!), [" Hello!</s>"]);
  assert.deepEqual(await answersOf(plain, conversations[1]!), [" 4</s>", " Yes: „4“ 😀</s>"]);
  const forgets = new ChatTemplate(filesWith(await read("forgets.jinja")));
  assert.deepEqual(await answersOf(forgets, conversations[0]!), ["<think></think>Hello!"]);
  assert.equal(await answersOf(forgets, conversations[1]!), undefined);
});

test("where the template comes from: its file, then the config, in which one of several is the default", async () => {
  const textOf = async (files: TokenizerFiles) =>
    (await new ChatTemplate(files).write(conversations[0]!, "it")).text;
  const several = [
    { name: "tool_use", template: "no" },
    { name: "default", template: "yes" },
  ];
  assert.equal(await textOf(filesWith(several)), "yes");
  const own = new Map([...filesWith("config"), ["chat_template.jinja", Buffer.from("file")]]);
  assert.equal(await textOf(own), "file");
  const { code } = await problemOf(textOf(filesWith(undefined)));
  assert.equal(code, "no-chat-template");
});

const hostile: readonly (readonly [what: string, template: string, code: string])[] = [
  [
    "a loop that takes years",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "chat-template-too-slow",
  ],
  [
    "a text that never ends",
    "{% set ns = namespace(t='x') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
    "chat-template-failed",
  ],
  [
    "a text of 64 MiB",
    "{% set ns = namespace(t='x') %}{% for i in range(26) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
    "chat-template-failed",
  ],
  [
    "lists without end",
    "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
    "chat-template-too-large or chat-template-too-slow", // whichever comes first
  ],
  [
    "a constructor",
    "{{ messages.constructor.constructor('return process')() }}",
    "chat-template-failed",
  ],
  ["a clock", "{{ strftime_now('%Y') }}", "chat-template-failed"],
  ["what is no Jinja", "{% for %}", "chat-template-failed"],
  ["an own complaint", "{{ raise_exception('no system, please') }}", "chat-template-failed"],
];

for (const [what, template, code] of hostile)
  test(`a template with ${what} fails alone, within the deadline`, async () => {
    const began = performance.now();
    const writing = new ChatTemplate(filesWith(template)).write(conversations[0]!, 'the row "7"');
    const problem = await problemOf(writing);
    assert.ok(code.split(" or ").includes(problem.code), problem.message);
    if (code === "chat-template-failed") assert.match(problem.message, /the row "7"/);
    assert.ok(performance.now() - began < 6000, `${performance.now() - began} ms`);
  });

test("attributes of objects are not to be had", async () => {
  for (const name of ["constructor", "__proto__", "prototype", "toString"]) {
    const template = new ChatTemplate(filesWith(`{{ messages[0].${name} is defined }}`));
    assert.equal((await template.write(conversations[0]!, "it")).text, "false", name);
  }
  assert.equal(
    (
      await new ChatTemplate(filesWith("{{ strftime_now is defined }}")).write(
        conversations[0]!,
        "it",
      )
    ).text,
    "false",
  );
});
