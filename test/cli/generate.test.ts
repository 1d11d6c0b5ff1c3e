import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type GenerateFlags, generate } from "../../cli/commands/generate.ts";
import { Encoder } from "../../stages/tokenize/encoder.ts";
import { readTokenizer } from "../../stages/tokenize/read-tokenizer.ts";
import { runCommand } from "../rig/command-rig.ts";

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
  device: "auto",
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
