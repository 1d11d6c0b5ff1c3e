import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { findPython } from "../../bench/find-python.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { folderSource } from "../../models/file-source.ts";
import { loadPretrained } from "../../models/pretrained.ts";
import type { Row } from "../../stages/artifacts/dataset.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { save } from "../../stages/save/save.ts";
import { tokenize } from "../../stages/tokenize/tokenize.ts";
import { generate, openDecoder } from "../../training/generate.ts";
import { datasetOf } from "../rig/rows.ts";
import { runStage } from "../rig/run-stage.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { wordTokenizer } from "../rig/word-tokenizer.ts";

const python = findPython();
const skip =
  python === undefined && "no Python with transformers: bench/setup-python.sh installs it";

const texts = ["a b", "c", "d e f"];
const t5 = { model_type: "t5", d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2 };
const gpt2 = { model_type: "gpt2", n_embd: 16, n_layer: 1, n_head: 2, n_positions: 32 };
const kinds = [
  ["AutoModelForSeq2SeqLM", "T5ForConditionalGeneration", "sequence-to-sequence", t5, "target"],
  ["AutoModelForCausalLM", "GPT2LMHeadModel", "causal-lm", gpt2, "completion"],
] as const;

for (const [kind, className, task, config, answer] of kinds)
  test(`${task}: Python transformers reads the saved folder and writes the same tokens to their end`, {
    skip,
  }, async (t) => {
    const rows = texts.map(
      (text, i): Row => ({ id: `${i}`, text, [answer]: texts.at(i - 1)!, columns: {} }),
    );
    const tokenizer = wordTokenizer("a b c d e f".split(" "));
    const { outputs } = await runStage(tokenize, {
      params: { max_length: 16 },
      inputs: { dataset: datasetOf(rows), tokenizer },
    });
    const trained = await runStage(fineTune, {
      params: { task, model: { config }, learning_rate: 0.05, max_steps: 20 },
      inputs: { dataset: outputs.tokens },
    });
    const { model } = trained.outputs;
    const saved = await runStage(save, { params: { to: "out" }, inputs: { model } });
    const { folder: files } = saved.files;
    const contents = files.paths.map(async (path) => [path, await files.read(path)] as const);
    const folder = await temporaryFolder(t, Object.fromEntries(await Promise.all(contents)));

    const script = join(import.meta.dirname, "../golden/write.py");
    const found = JSON.parse(
      execFileSync(python!, [script, folder, kind], {
        input: texts.map((text) => `${text}\n`).join(""),
        env: { ...process.env, HF_HUB_OFFLINE: "1" },
        stdio: ["pipe", "pipe", "ignore"],
        encoding: "utf8",
      }),
    );
    assert.deepEqual([found.class, found.loading], [className, {}]);
    const own = await loadPretrained(folderSource(folder), { seed: 0 });
    const device = await openOnnxruntimeDevice({ threads: 1 });
    const decoder = openDecoder({ ...own, device });
    for (const { ids, greedy, beams } of found.written) {
      const begin = task === "causal-lm" ? ids : [0];
      const given = { max_new_tokens: 8, eos_token_ids: [1] };
      assert.deepEqual([...begin, ...(await generate(decoder, ids, given))], greedy);
      const more = { ...given, num_beams: 4 };
      assert.deepEqual([...begin, ...(await generate(decoder, ids, more))], beams);
    }
    await decoder.release();
  });
