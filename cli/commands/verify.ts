import { join } from "node:path";
import pc from "picocolors";
import type { Cache } from "../../cache/open-cache.ts";
import { moveToCleanFolder } from "../../engine/build/clean-folder.ts";
import type { Slots } from "../../engine/build/slot-pool.ts";
import { type VerifiedStage, verifyLock } from "../../engine/build/verify-lock.ts";
import type { Event } from "../../engine/event.ts";
import type { Lockfile } from "../../engine/lockfile.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes, interruptionCode } from "../context.ts";
import { requestedMachine } from "../device-option.ts";
import { reportUnknownStage, writeJson } from "../examine-file.ts";
import { compareStatically, reportNoLock, sayChange } from "../frozen-run.ts";
import { readLock } from "../lock-file.ts";
import type { MachineFacts } from "../machine-facts.ts";
import { machineSlots } from "../machine-slots.ts";
import { openPipeline } from "../open-pipeline.ts";
import { withCacheToLookAt, withEmptyCache } from "../open-workspace.ts";
import { reportProblem } from "../report-problem.ts";
import { stagesNamed } from "../stages-named.ts";
import { startHosts } from "../start-hosts.ts";
import { formatCount, formatSeconds } from "../text/format-quantity.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printableLine } from "../text/printable.ts";
import { type Cell, renderTable } from "../text/render-table.ts";

/** What `tunesmith verify` takes. */
export interface VerifyFlags {
  readonly jobs: number;
  readonly tolerance: number;
  readonly device?: string;
  readonly json: boolean;
}

/**
 * Runs locked stages again in a clean folder and compares what they give with the lockfile: bytes, or metrics within
 * the tolerance where the machine is of another class. Exit code 4 where anything is not as it was locked.
 */
export async function verify(
  context: CliContext,
  file: string,
  named: readonly string[],
  flags: VerifyFlags,
): Promise<number> {
  const machine = requestedMachine(context, flags.device);
  if (!machine.ok) {
    reportProblem(context, machine.error);
    return exitCodes.usage;
  }
  const lent = machineSlots(context, machine.value.device.kind);
  if ("exitCode" in lent) return lent.exitCode;
  const opened = await openPipeline(context, file);
  if ("exitCode" in opened) return opened.exitCode;
  const { pipeline } = opened;
  const unknown = named.find((name) => stagesNamed(pipeline, name).length === 0);
  if (unknown !== undefined) return reportUnknownStage(context, file, pipeline, unknown);
  const lock = await readLock(pipeline);
  if (!lock.ok || lock.value === undefined)
    return reportNoLock(context, "verify", lock.ok ? undefined : lock.error);
  const chosen = named.flatMap((name) => stagesNamed(pipeline, name));
  const task = {
    context,
    pipeline,
    lock: lock.value,
    machine: { ...machine.value, ...lent },
    chosen,
    flags,
  };
  return withCacheToLookAt(context, pipeline, (stored) => verifyWithCache(task, stored));
}

interface VerifyTask {
  readonly context: CliContext;
  readonly pipeline: Pipeline;
  readonly lock: Lockfile;
  readonly machine: MachineFacts & { readonly slots: Slots };
  readonly chosen: readonly string[];
  readonly flags: VerifyFlags;
}

async function verifyWithCache(task: VerifyTask, stored: Cache): Promise<number> {
  const { context, pipeline, lock, chosen, flags } = task;
  const edits = await compareStatically(
    { context, pipeline, cache: stored, targets: chosen },
    lock,
  );
  if ("exitCode" in edits) return edits.exitCode;
  const stages = await withEmptyCache(async (cache, folder) => {
    const moved = await moveToCleanFolder(pipeline, folder);
    return verifyIn({ ...task, pipeline: moved }, stored, cache);
  });
  if (context.signal.aborted) return interruptionCode(context.signal);
  const isFailed = stages.some(({ state }) => state === "not-run");
  const isSame =
    edits.changes.length === 0 &&
    stages.every(({ state, stored: kept }) => state !== "differs" && kept !== "corrupt");
  if (flags.json)
    writeJson(context, { type: "verify", pipeline: pipeline.name, edits: edits.changes, stages });
  else {
    const lines = edits.changes.map((change) => `  ${printableLine(sayChange(change))}\n`);
    const head = lines.length === 0 ? "" : "pipeline and lockfile do not agree:\n";
    context.stdout.write(`${head}${lines.join("")}${renderVerified(stages, context)}`);
  }
  return isFailed ? exitCodes.failed : isSame ? exitCodes.ok : exitCodes.lockDiffers;
}

async function verifyIn(
  { context, pipeline, lock, machine, chosen, flags }: VerifyTask,
  stored: Cache,
  cache: Cache,
): Promise<readonly VerifiedStage[]> {
  const hosts = startHosts(context, pipeline, cache.folder.root);
  try {
    return await verifyLock(pipeline, lock, {
      ...machine,
      cache,
      stored,
      hosts,
      chosen,
      tolerance: flags.tolerance,
      jobs: flags.jobs,
      signal: context.signal,
      placedFolder: join(cache.folder.root, "placed"),
      explain: () => ({}),
      emit: (event) => talk(context, event),
    });
  } finally {
    hosts.close();
  }
}

/** On stderr: what runs, and why it failed. */
function talk(context: CliContext, event: Event): void {
  if (event.type !== "stage") return;
  if (event.state === "started") context.stderr.write(`${event.stage}: running again\n`);
  if (event.state === "failed") reportProblem(context, event.problem);
}

const words = {
  "same-bytes": "same bytes",
  "same-metrics": "same metrics",
  differs: "differs",
  "not-run": "not run",
} as const;

function renderVerified(stages: readonly VerifiedStage[], context: CliContext): string {
  const { dim, green, red, yellow } = pc.createColors(context.color);
  const paints = { "same-bytes": green, "same-metrics": yellow, differs: red, "not-run": red };
  const rows = stages.map((verified): readonly Cell[] => {
    const { stage, state, seconds } = verified;
    return [
      stage,
      { text: words[state], paint: paints[state] },
      seconds === undefined ? "" : formatSeconds(seconds),
      printableLine(sayFindings(verified)),
    ];
  });
  const columns = [
    { title: "stage", shrinks: true },
    { title: "ran again" },
    { title: "time", align: "right" },
    { title: "findings" },
  ] as const;
  const { ellipsis } = glyphsOf(context.environment);
  const table = renderTable(columns, rows, { width: context.columns, ellipsis, paintTitle: dim });
  return `${table}\n${sayTotals(stages)}\n`;
}

/** Their start is enough for people to tell digests apart. */
const DIGEST = /\b([0-9a-f]{12})[0-9a-f]{52}\b/g;

function sayFindings({ stored, verdict, changes }: VerifiedStage): string {
  return [
    ...(stored === "corrupt"
      ? ["its stored output was damaged, and is in quarantine: the next run makes it again"]
      : []),
    ...(verdict === undefined ? [] : [verdict]),
    ...changes.map((change) => sayChange(change).replace(DIGEST, "$1")),
  ].join("; ");
}

function sayTotals(stages: readonly VerifiedStage[]): string {
  return Object.entries(words)
    .map(([state, text]) => [stages.filter((one) => one.state === state).length, text] as const)
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${formatCount(count, "stage")}: ${text}`)
    .join(", ");
}
