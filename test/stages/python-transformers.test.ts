import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { findPython } from "../../bench/find-python.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { folderSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { save } from "../../stages/save/save.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { trainTokenizer } from "../../stages/train-tokenizer/train-tokenizer.ts";
import { predictLogits } from "../../training/evaluate.ts";
import { datasetOf, rowsOf } from "../rig/rows.ts";
import { runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { tinyConfig } from "../rig/tokens-of.ts";

const python = findPython();
const skip =
  python === undefined && "no Python with transformers: bench/setup-python.sh installs it";

const texts: readonly (readonly [string, string])[] = [
  ["a game of chess", "play"],
  ["compiler for C", "work"],
  ["Café münster, 3D racing!", "play"],
  ["mail server", "work"],
];

/** Runs the stages from texts to a saved folder; returns the texts' tokens, too. */
async function savedFolder(t: Parameters<typeof temporaryFolder>[0]) {
  const inputs = { dataset: datasetOf(rowsOf(texts)) };
  const learned = await runStage(trainTokenizer, { params: { vocab_size: 60 }, inputs });
  const { tokenizer } = learned.outputs;
  const params = { max_length: 16 };
  const tokenized = await runStage(tokenize, { params, inputs: { ...inputs, tokenizer } });
  const { tokens } = tokenized.outputs;
  const config = { ...tinyConfig, max_position_embeddings: 16 };
  const trained = await runStage(fineTune, {
    params: { model: { config }, learning_rate: 0.01, max_steps: 5 },
    inputs: { dataset: tokens },
  });
  const { model } = trained.outputs;
  const saved = await runStage(save, { params: { to: "out" }, inputs: { model } });
  const { folder: files } = saved.files;
  const contents = await Promise.all(
    files.paths.map(async (path) => [path, await files.read(path)] as const),
  );
  return { folder: await temporaryFolder(t, Object.fromEntries(contents)), tokens };
}

test("Python transformers reads the saved folder: the same ids, the same logits", {
  skip,
}, async (t) => {
  const { folder, tokens } = await savedFolder(t);
  const script = join(import.meta.dirname, "../golden/classify.py");
  const found = JSON.parse(
    execFileSync(python!, [script, folder], {
      input: texts.map(([text]) => `${text}\n`).join(""),
      env: { ...process.env, HF_HUB_OFFLINE: "1" },
      stdio: ["pipe", "pipe", "ignore"],
      encoding: "utf8",
    }),
  );
  const { inputIds, offsets, rows } = tokens.splits.get("train")!;
  const classifier = await loadPretrained(folderSource(folder), { seed: 0 });
  const logits = await predictLogits(
    { ids: inputIds, offsets, labels: new Int32Array(4), rowIds: rows.map(({ id }) => id) },
    { ...classifier, device: await openOnnxruntimeDevice({ threads: 1 }), batchSize: 4 },
  );
  assert.deepEqual(found.loading, {});
  assert.deepEqual(found.labels, ["play", "work"]);
  assert.deepEqual(
    found.ids,
    rows.map((_, i) => Array.from(inputIds.subarray(offsets[i]!, offsets[i + 1]!))),
  );
  for (const [i, expected] of found.logits.flat().entries())
    assert.ok(Math.abs(logits[i]! - expected) < 1e-5, `logit ${i}: ${logits[i]} and ${expected}`);
});
