import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type GenerateFlags, generate } from "../../cli/commands/generate.ts";
import { predict } from "../../cli/commands/predict.ts";
import { Encoder } from "../../stages/tokenize/encoder.ts";
import { readTokenizer } from "../../stages/tokenize/read-tokenizer.ts";
import { runCommand } from "../rig/command-rig.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { numberTokenizer } from "../rig/word-tokenizer.ts";

const golden = join(import.meta.dirname, "../golden/gpt2-generate");

const plain: GenerateFlags = {
  maxNewTokens: 16,
  numBeams: 1,
  sample: false,
  temperature: 1,
  topK: 50,
  topP: 1,
  repetitionPenalty: 1,
  seed: 1,
  chat: false,
  json: false,
};

const generated = (
  prompts: readonly string[],
  flags: Partial<GenerateFlags> = {},
  folder = "model",
) =>
  runCommand({ cwd: golden }, (context) =>
    generate(context, folder, prompts, { ...plain, ...flags }),
  );

async function expected(): Promise<{ prompt: string; whole: string }> {
  const { generate } = JSON.parse(await readFile(join(golden, "case.json"), "utf8"));
  const encoder = new Encoder(await readTokenizer(join(golden, "model")));
  return { prompt: generate.prompt, whole: encoder.decode(generate.greedy) };
}

test("a prompt goes on as transformers lets it, with beams, and as JSON", async () => {
  const { prompt, whole } = await expected();
  const result = { exitCode: 0, stdout: `${whole}\n`, stderr: "" };
  assert.deepEqual(await generated([prompt]), result);
  assert.deepEqual(await generated([prompt], { numBeams: 4 }), result);
  const json = await generated([prompt], { json: true });
  assert.deepEqual(JSON.parse(json.stdout), { prompt, generated: whole.slice(prompt.length) });
});

test("a text ends before a stop string", async () => {
  const { prompt, whole } = await expected();
  const rest = whole.slice(prompt.length);
  const stop = rest.slice(4, 7);
  const { stdout } = await generated([prompt], { json: true, stop: ["not there", stop] });
  assert.equal(JSON.parse(stdout).generated, rest.slice(0, rest.indexOf(stop)));
});

test("what cannot be done is told: an empty prompt, a classifier, no folder", async () => {
  const empty = await generated([""]);
  assert.deepEqual([empty.exitCode, empty.stdout], [1, ""]);
  assert.match(empty.stderr, /The prompt has no tokens/);
  const classifier = await generated(["a"], {}, "../bert-classify/model");
  assert.equal(classifier.exitCode, 1);
  assert.match(classifier.stderr, /does not do causal-lm/);
  assert.equal((await generated(["a"], {}, "nowhere")).exitCode, 1);
});

test("--chat: the prompt is a message, written out by the model's chat template; --system stands before it", async (t) => {
  const { prompt, whole } = await expected();
  const template = "{% for m in messages %}{{ m.content }}{% endfor %}";
  const folder = await temporaryFolder(t, { "model/chat_template.jinja": template });
  await cp(join(golden, "model"), join(folder, "model"), { recursive: true });
  const model = join(folder, "model");
  const rest = whole.slice(prompt.length);
  const result = { exitCode: 0, stdout: `${rest}\n`, stderr: "" };
  assert.deepEqual(await generated([prompt], { chat: true }, model), result);
  const parts = { chat: true, system: prompt.slice(0, 3) };
  assert.deepEqual(await generated([prompt.slice(3)], parts, model), result);
  const without = await generated([prompt], { chat: true });
  assert.equal(without.exitCode, 1);
  assert.match(without.stderr, /The tokenizer has no chat template/);
  const misused = await generated([prompt], { system: "Be brief." });
  assert.deepEqual([misused.exitCode, misused.stdout], [2, ""]);
  const long = await generated([prompt.repeat(40)], { chat: true }, model);
  assert.match(long.stderr, /The conversation has \d+ tokens; the model was made for 64/);
});

test("a sequence-to-sequence model writes the new text alone, by generate and by predict", async (t) => {
  const t5 = join(golden, "../t5-translate");
  const { encoding, generate: wanted } = JSON.parse(await readFile(join(t5, "case.json"), "utf8"));
  const folder = await temporaryFolder(t, {});
  await cp(join(t5, "model"), folder, { recursive: true });
  for (const [name, bytes] of numberTokenizer(800)) await writeFile(join(folder, name), bytes);
  const source = encoding.input_ids[3].filter((id: number) => id !== 0).join(" ");
  const text = wanted.greedy[3].slice(1).join(" ");
  assert.deepEqual(await generated([source], { maxNewTokens: 12 }, folder), {
    exitCode: 0,
    stdout: `${text}\n`,
    stderr: "",
  });
  const predicted = await runCommand({ cwd: folder }, (context) =>
    predict(context, ".", [source], { json: true, topK: 1 }),
  );
  const { text: given, generated: written } = JSON.parse(predicted.stdout);
  assert.equal(given, source);
  assert.equal(written.split(" ").slice(0, 12).join(" "), text);
});
