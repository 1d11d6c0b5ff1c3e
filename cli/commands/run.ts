import { join } from "node:path";
import type { Cache } from "../../cache/open-cache.ts";
import type { RemoteCache } from "../../cache/remote/remote-cache.ts";
import { explainChange } from "../../engine/build/explain-change.ts";
import type { HostPool } from "../../engine/build/host-pool.ts";
import { lockRun } from "../../engine/build/lock-run.ts";
import type { Recipe } from "../../engine/build/recipe.ts";
import { type RunOutcome, runPipeline } from "../../engine/build/run-pipeline.ts";
import type { Slots } from "../../engine/build/slot-pool.ts";
import { rememberLines } from "../../engine/build/source-lines.ts";
import type { Event } from "../../engine/event.ts";
import type { Lockfile } from "../../engine/lockfile.ts";
import type { Pipeline, PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes, interruptionCode } from "../context.ts";
import { requestedMachine } from "../device-option.ts";
import { checkFrozen, checkReproduced } from "../frozen-run.ts";
import { createLockedOutputs, readLock, writeLock } from "../lock-file.ts";
import type { MachineFacts } from "../machine-facts.ts";
import { machineSlots } from "../machine-slots.ts";
import { labelOf, openPipeline } from "../open-pipeline.ts";
import { withCache } from "../open-workspace.ts";
import { type RemoteSettings, readRemoteSettings } from "../remote-settings.ts";
import { reportProblem } from "../report-problem.ts";
import { createReporter } from "../reporters/create-reporter.ts";
import { createRunLog } from "../reporters/run-log.ts";
import { stagesNamed } from "../stages-named.ts";
import { startHosts } from "../start-hosts.ts";
import { tidyAfterRun } from "../tidy-after-run.ts";

/** What `tunesmith run` takes. */
export interface RunFlags {
  readonly frozen: boolean;
  /** `true`: all targets; a name: that stage. */
  readonly force: boolean | string;
  readonly jobs: number;
  readonly keepGoing: boolean;
  /** Hash every file, whatever is remembered of it. */
  readonly paranoid?: boolean;
  readonly set: readonly string[];
  readonly setFile?: readonly string[];
  readonly device?: string;
  readonly json: boolean;
}

/** Brings the targets (all stages when none is named) up to date, and writes the lockfile. */
export async function run(
  context: CliContext,
  file: string,
  targets: readonly string[],
  flags: RunFlags,
): Promise<number> {
  const machine = requestedMachine(context, flags.device);
  if (!machine.ok) return usage(context, machine.error);
  const lent = machineSlots(context, machine.value.device.kind);
  if ("exitCode" in lent) return lent.exitCode;
  const opened = await openPipeline(context, file, flags);
  if ("exitCode" in opened) return opened.exitCode;
  const { pipeline } = opened;
  const forced = typeof flags.force === "string" ? [flags.force] : [];
  const unknown = [...targets, ...forced].find((name) => stagesNamed(pipeline, name).length === 0);
  if (unknown !== undefined) {
    const hint = `its stages: ${pipeline.stages.map(({ name }) => name).join(", ")}`;
    return usage(context, {
      code: "unknown-target",
      message: `${file} has no stage "${unknown}".`,
      hint,
    });
  }
  const settings = await readRemoteSettings(context, pipeline.project);
  if (!settings.ok) return usage(context, settings.error);
  const remote = settings.value;
  const work = async (cache: Cache) => {
    const task = {
      context,
      pipeline,
      cache,
      machine: machine.value,
      ...lent,
      targets: targets.flatMap((name) => stagesNamed(pipeline, name)),
      flags,
      remote,
    };
    const exitCode = await runWithCache(task);
    await tidyAfterRun(context, pipeline.project, cache);
    return exitCode;
  };
  return withCache(context, pipeline, work, { isParanoid: flags.paranoid ?? false });
}

function usage(context: CliContext, problem: Parameters<typeof reportProblem>[1]): number {
  reportProblem(context, problem);
  return exitCodes.usage;
}

interface RunTask {
  readonly context: CliContext;
  readonly pipeline: Pipeline;
  readonly cache: Cache;
  readonly machine: MachineFacts;
  readonly slots: Slots;
  readonly targets: readonly string[];
  readonly flags: RunFlags;
  readonly remote: RemoteSettings | undefined;
}

async function runWithCache(task: RunTask): Promise<number> {
  const { context, pipeline, cache, flags } = task;
  const lock = flags.frozen ? await readLock(pipeline) : undefined;
  if (lock !== undefined) {
    const blocked = await checkFrozen(task, lock);
    if (blocked !== undefined) return blocked;
  }
  const reporter = createReporter(context, pipeline, flags.json);
  const log = createRunLog(cache, labelOf(pipeline));
  const hosts = startHosts(context, pipeline, cache.folder.root);
  try {
    const emit = (event: Event) => {
      log.report(event);
      reporter.report(event);
    };
    const remote = await openRemoteOf(task, emit);
    const outcome = await build(task, { hosts, emit, remote });
    await remote?.settle();
    log.finish(outcome);
    for (const stage of pipeline.stages) {
      const built = outcome.built.get(stage.name);
      if (built !== undefined) await rememberLines(stage, built.sources, cache);
    }
    return await conclude(task, outcome, lock?.ok ? lock.value : undefined);
  } finally {
    hosts.close();
    reporter.close();
    log.close();
  }
}

/** What a remote cache needs is loaded where there is one. */
async function openRemoteOf({ context, cache, remote }: RunTask, emit: (event: Event) => void) {
  if (remote === undefined) return undefined;
  const { openRemote } = await import("../open-remote.ts");
  const onProblem = (message: string) => emit({ type: "notice", code: "remote-cache", message });
  return openRemote(context, cache, remote, onProblem);
}

interface Building {
  readonly hosts: HostPool;
  readonly remote: RemoteCache | undefined;
  emit(event: Event): void;
}

function build(task: RunTask, { hosts, emit, remote }: Building): Promise<RunOutcome> {
  const { context, pipeline, cache, machine, slots, targets, flags } = task;
  const wanted = targets.length > 0 ? targets : pipeline.stages.map(({ name }) => name);
  return runPipeline(pipeline, {
    ...machine,
    cache,
    remote,
    hosts,
    emit,
    placedFolder: join(cache.folder.root, "placed"),
    lockedOutput: createLockedOutputs(pipeline),
    targets,
    forced: new Set(
      flags.force === true
        ? wanted
        : flags.force === false
          ? []
          : stagesNamed(pipeline, flags.force),
    ),
    jobs: flags.jobs,
    slots,
    keepGoing: flags.keepGoing,
    signal: context.signal,
    explain: (stage, recipe) => explainFromPast(cache, labelOf(pipeline), stage, recipe),
  });
}

function explainFromPast(cache: Cache, pipeline: string, stage: PipelineStage, recipe: Recipe) {
  const [previous] = cache.traces.recent({ pipeline, stage: stage.name, limit: 1 });
  if (previous === undefined) return {};
  const changes = explainChange(stage, previous.recipe as unknown as Recipe, recipe);
  const why = changes.map(({ text }) => text).join("; ");
  return { expectedSeconds: previous.seconds, ...(why === "" ? {} : { why }) };
}

async function conclude(
  task: RunTask,
  outcome: RunOutcome,
  frozen: Lockfile | undefined,
): Promise<number> {
  const { context, pipeline, cache, flags } = task;
  if (context.signal.aborted) return interruptionCode(context.signal);
  if (outcome.failures.length > 0) return exitCodes.failed;
  if (frozen !== undefined) {
    const next = lockRun(pipeline, outcome.built, frozen, context.version);
    return checkReproduced(task, frozen, next);
  }
  if (flags.set.length + (flags.setFile ?? []).length > 0) {
    context.stderr.write(
      "The lockfile is left as it is: --set made this another pipeline than the file.\n",
    );
    return exitCodes.ok;
  }
  const previous = await readUnbuilt(task, outcome);
  if (previous === "unreadable") return exitCodes.lockDiffers;
  const lockfile = lockRun(pipeline, outcome.built, previous, context.version);
  return writeLock(context, pipeline, { lockfile, cache });
}

/**
 * The lockfile, for stages that were not part of the run; without such it is not read, which takes long for a large one.
 * One that cannot be read is left as it is: writing it would lose the entries of those stages.
 */
async function readUnbuilt(
  { context, pipeline }: RunTask,
  { built }: RunOutcome,
): Promise<Lockfile | undefined | "unreadable"> {
  if (pipeline.stages.every(({ name }) => built.has(name))) return undefined;
  const lock = await readLock(pipeline);
  if (lock.ok) return lock.value;
  reportProblem(context, lock.error);
  return "unreadable";
}
