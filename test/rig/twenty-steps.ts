import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ProjectRig } from "./project-rig.ts";

const golden = join(import.meta.dirname, "../golden/bert-classify");

const pipeline = (precision: string) => `name: twenty-steps
stages:
  rows:
    uses: load
    with: { files: rows.csv, label: label }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: model, max_length: 32 }
  train:
    uses: fine-tune
    in: tokens
    with:
      model: model
      max_steps: 20
      warmup_steps: 2
      learning_rate: 5e-3
      per_device_train_batch_size: 6
      mixed_precision: ${precision}
  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.train }
  save:
    uses: save
    in: train
    with: { to: out }
`;

/** A project with pipelines that train a small BERT for 20 steps with dropout: `no.tune.yaml` in float32, `fp16.tune.yaml`. */
export async function twentyStepsProject(): Promise<ProjectRig> {
  const { texts, labels } = JSON.parse(await readFile(join(golden, "case.json"), "utf8"));
  const rows = (texts as string[]).map((text, i) => `"${text}",LABEL_${labels.labels[i]}`);
  const rig = await ProjectRig.create({
    "rows.csv": `text,label\n${rows.join("\n")}\n`,
    "no.tune.yaml": pipeline("no"),
    "fp16.tune.yaml": pipeline("fp16"),
  });
  await rig.copy(join(golden, "model"), "model");
  return rig;
}

interface Entry {
  readonly loss?: number;
}

/** The loss of each step of the model that a pipeline saved last. */
export async function lossesOf(rig: ProjectRig): Promise<number[]> {
  const { log_history } = JSON.parse(await rig.read("out/trainer_state.json"));
  return (log_history as Entry[]).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
}
