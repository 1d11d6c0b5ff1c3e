import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type PredictFlags, predict } from "../../cli/commands/predict.ts";
import { formatSafetensors, parseSafetensors } from "../../models/safetensors.ts";
import { type CommandResult, runCommand } from "../rig/command-rig.ts";
import { readReferenceCase } from "../rig/reference-case.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const golden = join(import.meta.dirname, "../golden/bert-classify");
const model = join(golden, "model");

interface Request {
  readonly folder?: string;
  readonly texts?: readonly string[];
  readonly flags?: Partial<PredictFlags>;
  readonly stdin?: readonly (string | Uint8Array)[];
  readonly cwd?: string;
}

function predicted({ folder = model, texts = [], flags = {}, stdin = [], cwd = golden }: Request) {
  const all = { json: false, topK: 1, ...flags };
  return runCommand({ cwd, stdin }, (context) => predict(context, folder, texts, all));
}

function objectsOf({ stdout }: CommandResult): readonly Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("scores are those of transformers for the same texts", async () => {
  const { golden: tensors } = await readReferenceCase(golden);
  const { texts } = JSON.parse(await readFile(join(golden, "case.json"), "utf8"));
  const result = await predicted({ texts, flags: { json: true, topK: 3 } });
  assert.deepEqual([result.exitCode, result.stderr], [0, ""]);
  const logits = tensors.get("logits")!;
  for (const [row, { text, label, score, scores }] of objectsOf(result).entries()) {
    const powers = [0, 1, 2].map((id) => Math.exp(logits[row * 3 + id]!));
    const total = powers.reduce((sum, power) => sum + power, 0);
    const expected = powers.map((power, id) => [`LABEL_${id}`, power / total] as const);
    expected.sort(([, a], [, b]) => b - a);
    assert.equal(text, texts[row]);
    assert.equal(label, expected[0]![0]);
    assert.ok(Math.abs((score as number) - expected[0]![1]) < 1e-5);
    assert.deepEqual(
      Object.keys(scores as object),
      expected.map(([name]) => name),
    );
    for (const [name, probability] of expected)
      assert.ok(Math.abs((scores as Record<string, number>)[name]! - probability) < 1e-5, name);
  }
});

test("for people: label and score, then the text on one line", async () => {
  const result = await predicted({ texts: ["Korean desktop", "two\nlines\u001b[31m"] });
  assert.equal(result.exitCode, 0);
  assert.match(
    result.stdout,
    /^LABEL_\d 0\.\d{3}\tKorean desktop\nLABEL_\d 0\.\d{3}\ttwo lines\n$/,
  );
  const two = await predicted({ texts: ["Korean desktop"], flags: { topK: 2 } });
  assert.match(two.stdout, /^LABEL_\d 0\.\d{3} {2}LABEL_\d 0\.\d{3}\tKorean desktop\n$/);
});

test("lines of stdin and of a file: the same as arguments; blank lines are skipped", async (t) => {
  const texts = ["Korean desktop", "STONITH Block Device daemon"];
  const json = { json: true };
  const given = objectsOf(await predicted({ texts, flags: json }));
  const stdin = ["Korean desk", "top\r\n\n  \nSTONITH Block", " Device daemon"];
  assert.deepEqual(objectsOf(await predicted({ stdin, flags: json })), given);
  const cwd = await temporaryFolder(t, { "texts.txt": `${texts.join("\n")}\n` });
  const flags = { ...json, file: "texts.txt" };
  assert.deepEqual(objectsOf(await predicted({ cwd, flags })), given);
});

test("a long text is cut to what the model takes", async () => {
  const result = await predicted({ texts: ["desktop ".repeat(500)] });
  assert.equal(result.exitCode, 0);
});

test("nothing on stdin is nothing to say", async () => {
  assert.deepEqual(await predicted({}), { exitCode: 0, stdout: "", stderr: "" });
});

const refused: readonly (readonly [
  name: string,
  request: Request,
  exitCode: number,
  stderr: string,
])[] = [
  [
    "no such folder",
    { folder: "no-such-folder", texts: ["a"], cwd: "/" },
    74,
    "✘ ENOENT: no such file or directory, stat '/no-such-folder'.\n    code: cannot-read\n",
  ],
  [
    "a file instead of a folder",
    { folder: "case.json", texts: ["a"] },
    1,
    "✘ case.json is not a folder.\n    hint: give the folder that a save stage wrote: the `to` of its params\n    code: not-a-folder\n",
  ],
  [
    "a folder without a model",
    { folder: ".", texts: ["a"] },
    1,
    "✘ The model cannot be used: The model has no config.json.\n    code: checkpoint-missing\n",
  ],
  [
    "texts twice",
    { texts: ["a"], flags: { file: "texts.txt" } },
    2,
    "✘ Texts are given twice: as arguments, and with --file.\n    hint: leave one of them out\n    code: usage\n",
  ],
  [
    "a file that is not there",
    { flags: { file: "none.txt" }, cwd: "/" },
    74,
    "✘ ENOENT: no such file or directory, open '/none.txt'.\n    code: cannot-read\n",
  ],
  [
    "a device that there is not",
    { texts: ["a"], flags: { device: "gpu" } },
    2,
    '✘ There is no device "gpu".\n    hint: devices: auto, cpu, webgpu, cuda, tfjs-cpu, tfjs-wasm, tfjs-node, tfjs-node-gpu\n    code: unknown-device\n',
  ],
  [
    "a context for a model that answers no questions",
    { texts: ["a"], flags: { context: "b" } },
    1,
    "✘ The model does sequence-classification; it answers no questions.\n    hint: leave out --context\n    code: context-without-effect\n",
  ],
  [
    "bytes that are not UTF-8",
    { stdin: ["good\n", Uint8Array.of(0x62, 0xff, 0x0a)] },
    1,
    "✘ stdin:2 is not UTF-8.\n    hint: convert the texts to UTF-8, for example with iconv\n    code: not-utf-8\n",
  ],
];

for (const [name, request, exitCode, stderr] of refused)
  test(`refused: ${name}`, async () => {
    const result = await predicted(request);
    assert.deepEqual([result.exitCode, result.stderr], [exitCode, stderr]);
  });

test("refused: a model without a classification head", async (t) => {
  const folder = await temporaryFolder(t);
  await cp(model, folder, { recursive: true });
  const { tensors } = parseSafetensors(await readFile(join(model, "model.safetensors")));
  const base = [...tensors].filter(([name]) => !name.startsWith("classifier."));
  await writeFile(join(folder, "model.safetensors"), formatSafetensors(new Map(base)));
  const result = await predicted({ folder, texts: ["a"] });
  assert.deepEqual(result, {
    exitCode: 1,
    stdout: "",
    stderr:
      "✘ The model has no classification head: it was not trained to tell labels apart.\n    hint: train it with a fine-tune stage, and use the folder that its save stage writes\n    code: no-classification-head\n",
  });
});
