import type { Cache } from "../cache/open-cache.ts";
import type { Change } from "../engine/build/changes.ts";
import {
  classChanges,
  compareLocks,
  METRIC_TOLERANCE,
  staticChanges,
} from "../engine/build/compare-locks.ts";
import { lockSource, mergeSource } from "../engine/build/lock-run.ts";
import { selectStages } from "../engine/build/run-pipeline.ts";
import { digestSource } from "../engine/build/source-digests.ts";
import type { Problem } from "../engine/diagnostic.ts";
import type { LockedSource, Lockfile } from "../engine/lockfile.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import type { Result } from "../engine/result.ts";
import type { Json } from "../engine/stage.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { otherLockChanges } from "./lock-file.ts";
import type { MachineFacts } from "./machine-facts.ts";
import { reportProblem } from "./report-problem.ts";
import { printableLine } from "./text/printable.ts";

/** What a frozen run works on. */
export interface FrozenRun {
  readonly context: CliContext;
  readonly pipeline: Pipeline;
  readonly cache: Cache;
  readonly targets: readonly string[];
  readonly machine: Pick<MachineFacts, "classes">;
}

/** Before a frozen run: exit code 4, with every differing field printed, where pipeline and lockfile do not agree. */
export async function checkFrozen(
  frozen: FrozenRun,
  lock: Result<Lockfile | undefined, Problem>,
): Promise<number | undefined> {
  const { context } = frozen;
  if (!lock.ok || lock.value === undefined)
    return reportNoLock(context, "--frozen", lock.ok ? undefined : lock.error);
  const compared = await compareStatically(frozen, lock.value);
  if ("exitCode" in compared) return compared.exitCode;
  if (compared.changes.length > 0) return reportChanges(context, compared.changes);
  sayOtherClass(frozen, lock.value);
  return undefined;
}

/** Before hours of work: that bytes will not be compared, and why. */
function sayOtherClass(
  { context, pipeline, targets, machine }: FrozenRun,
  { stages }: Lockfile,
): void {
  const facts = new Map<string, string>();
  for (const { name, kind } of selectStages(pipeline.stages, targets)) {
    const locked = stages[name]?.determinism ?? "exact";
    if (locked === "exact") continue;
    const here = kind.environment.map((fact) => [fact, machine.classes[fact] ?? null] as const);
    for (const change of classChanges(locked, Object.fromEntries(here)))
      facts.set(change.path, sayChange(change));
  }
  if (facts.size === 0) return;
  const within = `metrics are compared within ${METRIC_TOLERANCE * 100}%, not bytes`;
  context.stderr.write(`This machine is of another class than the locked one: ${within}.\n`);
  for (const line of facts.values()) context.stderr.write(`    ${line}\n`);
}

/** Says that a command needs a lockfile that can be read. Returns the exit code. */
export function reportNoLock(
  context: CliContext,
  command: string,
  unreadable: Problem | undefined,
): number {
  const missing = {
    code: "lockfile-missing",
    message: `${command} needs a lockfile, and there is none.`,
    hint: "run without --frozen once, and commit the lockfile it writes",
  };
  reportProblem(context, unreadable ?? missing);
  return exitCodes.lockDiffers;
}

/** What differs between a lockfile and the pipeline with its sources, of the targets; nothing has to run to know it. */
export async function compareStatically(
  { context, pipeline, cache, targets }: Omit<FrozenRun, "machine">,
  lock: Lockfile,
): Promise<{ readonly changes: readonly Change[] } | { readonly exitCode: number }> {
  const stages = selectStages(pipeline.stages, targets);
  const sources: Record<string, LockedSource> = {};
  for (const source of stages.flatMap((stage) => stage.sources)) {
    const digested = await digestSource(source, cache.files);
    if ("problem" in digested) {
      reportProblem(context, digested.problem);
      return { exitCode: exitCodes.io };
    }
    sources[source.shown] = mergeSource(sources[source.shown], lockSource(digested));
  }
  const locked = targets.length === 0 ? lock : narrowLock(lock, stages);
  const others = await otherLockChanges(pipeline, lock);
  return { changes: [...others, ...staticChanges(locked, stages, sources)] };
}

/** Only what concerns some stages; of a folder that others read too, all files are kept. */
function narrowLock({ sources, stages }: Lockfile, selected: readonly PipelineStage[]) {
  const names = new Set(selected.map(({ name }) => name));
  const paths = new Set(selected.flatMap((stage) => stage.sources.map(({ shown }) => shown)));
  return {
    stages: Object.fromEntries(Object.entries(stages).filter(([name]) => names.has(name))),
    sources: Object.fromEntries(Object.entries(sources).filter(([path]) => paths.has(path))),
  };
}

/** After a frozen run: exit code 4, with every differing field printed, where it did not reproduce the lock. */
export function checkReproduced(
  { context, pipeline, targets }: FrozenRun,
  locked: Lockfile,
  now: Lockfile,
): number {
  const { changes, otherClass } = compareLocks(locked, now, selectStages(pipeline.stages, targets));
  if (changes.length > 0) return reportChanges(context, changes);
  const { tunesmith } = locked;
  const of = tunesmith === context.version ? "" : ` of tunesmith ${printableLine(tunesmith)}`;
  if (otherClass.length === 0)
    context.stderr.write(`Reproduced the lockfile${of}, byte for byte.\n`);
  else {
    const within = `metrics within ${METRIC_TOLERANCE * 100}% of the lockfile${of}`;
    context.stderr.write(
      `Reproduced: ${within} for ${otherClass.join(", ")} (another machine class), bytes for the rest.\n`,
    );
  }
  return exitCodes.ok;
}

function reportChanges(context: CliContext, changes: readonly Change[]): number {
  const many = changes.length === 1 ? "1 field differs" : `${changes.length} fields differ`;
  const hint = "run without --frozen to accept the change, or restore what was locked";
  reportProblem(context, {
    code: "lock-differs",
    message: `The lockfile would change: ${many}.`,
    hint,
  });
  context.stderr.write(changes.map((change) => `    ${sayChange(change)}\n`).join(""));
  return exitCodes.lockDiffers;
}

/** `stages.train.params.learning_rate: 0.00005 -> 0.00003`. */
export function sayChange({ path, from, to }: Change): string {
  return `${path}: ${show(from)} -> ${show(to)}`;
}

function show(value: Json | undefined): string {
  if (value === undefined) return "(absent)";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
