import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Event } from "../engine/event.ts";
import { lockfilePathOf, parseLockfile } from "../engine/lockfile.ts";
import type { Bench, Measurement } from "./measurement.ts";
import { lockedStage, runTrainer } from "./peers/trainer.ts";
import { runTimed } from "./timed-process.ts";
import { compareRuns, medianRun, type WholeRun } from "./whole-run.ts";

const PIPELINE = "package-sections.tune.yaml";
const ROUNDS = 1;

/** The example's pipeline beside Hugging Face Trainer on the same rows, with and without grouping by length. */
export async function measureFineTune(bench: Bench): Promise<readonly Measurement[]> {
  const { folder, python, threads, rounds = ROUNDS, say } = bench;
  const cwd = await copyExample(bench);
  const ours: WholeRun[] = [];
  const theirs = new Map<string, WholeRun[]>([
    ["Trainer", []],
    ["Trainer, by length", []],
  ]);
  for (let round = 1; round <= rounds; round++) {
    say(`the example in tunesmith, round ${round} of ${rounds}`);
    const splits = join(folder, `splits-${round}`);
    ours.push(await runOurs(bench, { cwd, splits, round }));
    for (const [name, runs] of python === undefined ? [] : theirs) {
      say(`the example in Hugging Face ${name}, round ${round} of ${rounds}`);
      const lock = await readLockfile(cwd);
      const out = join(folder, `${name}-${round}`);
      const groupByLength = name !== "Trainer";
      const task = { python: python!, threads, splits, out, lock, groupByLength };
      runs.push(await runTrainer(task));
    }
  }
  const mine = medianRun(ours);
  const heldOut = lockedStage(await readLockfile(cwd), "evaluate").metrics.rows!;
  if (python === undefined) return compareRuns(mine, undefined, heldOut);
  return [...theirs].flatMap(([name, runs]) =>
    compareRuns(mine, { name, run: medianRun(runs) }, heldOut),
  );
}

/** The example in a folder of its own, so that neither its lockfile nor its output here is touched. */
async function copyExample({ folder, project }: Bench): Promise<string> {
  const cwd = join(folder, "example");
  for (const part of ["data", PIPELINE])
    await cp(join(project, "pipelines", part), join(cwd, part), { recursive: true });
  await writeFile(join(cwd, "package.json"), "{}\n"); // marks the project's folder
  return cwd;
}

interface OurRun {
  readonly cwd: string;
  /** Where to put the rows of each split. */
  readonly splits: string;
  readonly round: number;
}

async function runOurs({ tunesmith }: Bench, { cwd, splits, round }: OurRun): Promise<WholeRun> {
  const env = { TUNESMITH_CACHE: join(cwd, `cache-${round}`) };
  const run = [...tunesmith, "run", PIPELINE, "--json"] as const;
  const { seconds, stdout, peakMiB } = await runTimed(run, { cwd, env, watchMemory: true });
  await runTimed([...tunesmith, "export", PIPELINE, "split", splits], { cwd, env });
  const lock = await readLockfile(cwd);
  const trained = lockedStage(lock, "fine-tune").metrics;
  const tested = lockedStage(lock, "evaluate").metrics;
  return {
    seconds,
    trainSeconds: trainSeconds(stdout),
    peakMiB,
    validationAccuracy: trained.eval_accuracy!,
    testAccuracy: tested.accuracy!,
    testMacroF1: tested.macro_f1!,
  };
}

/** The longest stage is the training. */
function trainSeconds(ndjson: string): number {
  const events = ndjson
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  return Math.max(
    ...events.map((event) =>
      event.type === "stage" && event.state === "executed" ? event.seconds : 0,
    ),
  );
}

async function readLockfile(cwd: string) {
  const lock = parseLockfile(await readFile(lockfilePathOf(join(cwd, PIPELINE)), "utf8"));
  if (!lock.ok) throw new Error(lock.error.message);
  return lock.value;
}
