import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LockedStage, Lockfile } from "../../engine/lockfile.ts";
import { runTimed } from "../timed-process.ts";
import type { WholeRun } from "../whole-run.ts";

/** What Trainer is to do. */
export interface TrainerTask {
  readonly python: string;
  readonly threads: number;
  /** Folder with `<split>/rows.jsonl` for train, validation and test. */
  readonly splits: string;
  /** Folder for its checkpoints and its model. */
  readonly out: string;
  /** Where the params come from: tokenizer, model and training are the same here and there. */
  readonly lock: Lockfile;
  readonly groupByLength: boolean;
}

interface Results {
  readonly train_seconds: number;
  readonly peak_mib: number;
  readonly validation: { readonly accuracy: number; readonly macro_f1: number };
  readonly test: { readonly accuracy: number; readonly macro_f1: number };
}

/** Runs the same work with Hugging Face Trainer in a process of its own. */
export async function runTrainer(task: TrainerTask): Promise<WholeRun> {
  const { python, out, threads } = task;
  await mkdir(out, { recursive: true });
  const script = join(import.meta.dirname, "trainer.py");
  const { seconds, stdout } = await runTimed([python, script], {
    cwd: out,
    env: { OMP_NUM_THREADS: `${threads}`, TOKENIZERS_PARALLELISM: "true", HF_HUB_OFFLINE: "1" },
    input: JSON.stringify(settingsOf(task)),
  });
  const results: Results = JSON.parse(stdout.trim().split("\n").at(-1)!);
  return {
    seconds,
    trainSeconds: results.train_seconds,
    peakMiB: results.peak_mib,
    validationAccuracy: results.validation.accuracy,
    testAccuracy: results.test.accuracy,
    testMacroF1: results.test.macro_f1,
  };
}

function settingsOf({ lock, splits, out, threads, groupByLength }: TrainerTask) {
  const train = lockedStage(lock, "fine-tune");
  const { model, task: _, ...given } = train.params as Readonly<Record<string, unknown>>;
  const { model_type: __, ...config } = (model as { config: Readonly<Record<string, unknown>> })
    .config;
  return {
    splits,
    out,
    threads,
    tokenizer: lockedStage(lock, "train-tokenizer").params,
    max_length: lockedStage(lock, "tokenize").params.max_length,
    config,
    arguments: {
      eval_strategy: "epoch",
      ...given,
      seed: train.seed,
      group_by_length: groupByLength,
    },
  };
}

/** The locked stage of a kind; throws where the pipeline has none. */
export function lockedStage(lock: Lockfile, uses: string): LockedStage {
  const found = Object.values(lock.stages).find((stage) => stage.uses === uses);
  if (found === undefined) throw new Error(`the example has no stage of the kind ${uses}`);
  return found;
}
