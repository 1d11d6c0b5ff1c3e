import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { folderSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import { candidatesOf, drawToken } from "../../training/choose-token.ts";
import type { Decoder } from "../../training/decoder.ts";
import { type GenerationOptions, generate, openDecoder } from "../../training/generate.ts";
import { TrainingError } from "../../training/training-error.ts";

const folder = join(import.meta.dirname, "../golden");
const golden = JSON.parse(await readFile(join(folder, "generation.json"), "utf8"));
const device = await openOnnxruntimeDevice({ threads: 2 });
const decoders = new Map<string, Decoder>();
const opened = new Map<string, Awaited<ReturnType<typeof loadPretrained>>>();

async function going(name: string, prompt: readonly number[], options: Partial<GenerationOptions>) {
  const source = folderSource(join(folder, name, "model"));
  const model = opened.get(name) ?? (await loadPretrained(source, { seed: 0 }));
  opened.set(name, model);
  const decoder = decoders.get(name) ?? openDecoder({ ...model, device });
  decoders.set(name, decoder);
  return generate(decoder, prompt, options);
}

for (const name of ["gpt2-generate", "llama-generate"])
  test(`${name}: greedy and four beams, token for token as transformers`, async () => {
    const { generate: expected } = JSON.parse(
      await readFile(join(folder, name, "case.json"), "utf8"),
    );
    const { greedy, beam4 } = expected as Record<"greedy" | "beam4", readonly number[]>;
    const prompt = greedy.slice(0, greedy.length - 16);
    const options = { max_new_tokens: 16 };
    assert.deepEqual([...prompt, ...(await going(name, prompt, options))], greedy);
    const beams = await going(name, prompt, { ...options, num_beams: 4 });
    assert.deepEqual([...prompt, ...beams], beam4);
  });

for (const { model, prompt, options, tokens } of golden.cases)
  test(`${model}: ${JSON.stringify(options)} after ${prompt.length} tokens`, async () => {
    assert.deepEqual(await going(model, prompt, options), tokens);
  });

test("what may be drawn, and how likely, is what transformers' warpers leave", () => {
  const logits = Float32Array.from(golden.logits as readonly number[]);
  for (const { probabilities, ...options } of golden.warped) {
    const candidates = candidatesOf(logits, options);
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    const found = new Float64Array(logits.length);
    for (const { id, weight } of candidates) found[id] = weight / total;
    for (const [id, expected] of probabilities.entries())
      assert.ok(Math.abs(found[id]! - expected) < 1e-12, `${JSON.stringify(options)}, ${id}`);
  }
});

test("a draw from 0 to 1 goes through the candidates, likeliest first", () => {
  const logits = Float32Array.of(Math.log(1), Math.log(6), Math.log(3));
  const options = { temperature: 1, top_k: 0, top_p: 1 };
  const drawn = [0, 0.59, 0.61, 0.89, 0.91, 0.9999].map((draw) => drawToken(logits, options, draw));
  assert.deepEqual(drawn, [1, 1, 2, 2, 0, 0]);
});

test("sampling: the seed decides; another gives another text", async () => {
  const prompt = [51, 52];
  const drawn = (seed: number) =>
    going("gpt2-generate", prompt, { do_sample: true, seed, max_new_tokens: 12 });
  assert.deepEqual(await drawn(1), await drawn(1));
  assert.notDeepEqual(await drawn(1), await drawn(2));
});

test("a text ends where it is said to be over, and where the model can hold no more", async () => {
  const isOver = (tokens: readonly number[]) => tokens.length === 3;
  assert.equal((await going("gpt2-generate", [51, 52], { isOver })).length, 3);
  const long = Array.from({ length: 60 }, () => 51);
  assert.equal((await going("gpt2-generate", long, { max_new_tokens: 20 })).length, 4);
});

test("prompts that cannot be gone on with", async () => {
  const refused = (prompt: readonly number[], options = {}) =>
    assert.rejects(
      going("gpt2-generate", prompt, options),
      (error) => error instanceof TrainingError,
    );
  await refused([]);
  await refused(Array.from({ length: 64 }, () => 51));
  await refused([51], { num_beams: 2, do_sample: true });
});
