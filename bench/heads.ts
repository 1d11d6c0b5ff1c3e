import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bench, Measurement } from "./measurement.ts";
import { runTimed } from "./timed-process.ts";

const HEADS = 20;

/** The example's rows with an encoder that is soon trained: how good it is does not change how long heads take. */
const PIPELINE = `name: heads
seed: 42
stages:
  rows:
    uses: load
    with: { files: packages.csv, text: description, label: section, id: package }
  split:
    uses: split
    in: rows
    with: { train: 0.8, validation: 0.1, test: 0.1, stratify: label, group: source }
  tokenizer: { uses: train-tokenizer, in: split, with: { vocab_size: 8000 } }
  tokens:
    uses: tokenize
    in: { dataset: split, tokenizer: tokenizer }
    with: { max_length: 64 }
  encoder:
    uses: fine-tune
    in: tokens
    with:
      model: { config: { model_type: bert, hidden_size: 256, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 512, max_position_embeddings: 64 } }
      learning_rate: 1e-3
      per_device_train_batch_size: 64
      num_train_epochs: 1
  vectors:
    uses: embed
    in: { dataset: tokens, model: encoder }
    with: { pooling: cls }
  head:
    uses: fine-tune
    in: { dataset: tokens, model: encoder, features: vectors }
    matrix:
      learning_rate: [3e-3, 1e-3, 3e-4, 1e-4, 3e-5]
      weight_decay: [0, 0.1]
      label_smoothing_factor: [0, 0.1]
    with:
      train: head
      learning_rate: "\${matrix.learning_rate}"
      weight_decay: "\${matrix.weight_decay}"
      label_smoothing_factor: "\${matrix.label_smoothing_factor}"
      per_device_train_batch_size: 64
      per_device_eval_batch_size: 64
      num_train_epochs: 3
      load_best_model_at_end: true
      metric_for_best_model: accuracy
`;

/** Heads of the example on cached features: the time of all, and of the embed stage before and after a row changed. */
export async function measureHeads(bench: Bench): Promise<readonly Measurement[]> {
  const { folder, project, tunesmith, say } = bench;
  const cwd = join(folder, "heads");
  await mkdir(cwd, { recursive: true });
  await writeFile(join(cwd, "package.json"), "{}\n"); // marks the project's folder
  await copyFile(join(project, "pipelines/data/packages.csv"), join(cwd, "packages.csv"));
  const pipeline = join(cwd, "heads.tune.yaml");
  await writeFile(pipeline, PIPELINE);
  const setting = { cwd, env: { TUNESMITH_CACHE: join(cwd, "cache") } };
  const run = async (...stages: string[]) =>
    (await runTimed([...tunesmith, "run", pipeline, ...stages], setting)).seconds;
  say("an encoder");
  await run("encoder");
  say("its vectors");
  const vectors = await run("vectors");
  say(`${HEADS} heads`);
  const heads = await run();
  return [
    { what: "11,660 rows as vectors of 256 numbers", ours: { value: vectors, unit: "s" } },
    {
      what: `${HEADS} heads of 3 epochs on these vectors`,
      ours: { value: heads, unit: "s" },
      goal: { text: "under 20 s", isReached: heads < 20 },
    },
  ];
}
