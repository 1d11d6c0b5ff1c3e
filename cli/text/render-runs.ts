import { join } from "node:path";
import pc from "picocolors";
import type { RunRecord, StageRecord } from "../../cache/trace-store.ts";
import type { CliContext } from "../context.ts";
import type { ExaminedFile } from "../examine-file.ts";
import { mainMetrics } from "../reporters/main-metrics.ts";
import { runName } from "../select-run.ts";
import { formatInstant, formatSeconds } from "./format-quantity.ts";
import { glyphsOf } from "./glyphs.ts";
import { type Cell, renderTable } from "./render-table.ts";

/** `{"type":"runs","pipeline","runs":[{"id","pipeline","startedAt","seconds","stages":[{"stage","state","key"?,"seconds","reason"?,"log"?}]}]}`, newest first. */
export function runsJson({ pipeline }: ExaminedFile, runs: readonly RunRecord[]): object {
  return { type: "runs", pipeline: pipeline.name, runs };
}

/** A table of past runs, newest first, and the stages of the last one. */
export function renderRuns(
  view: ExaminedFile,
  runs: readonly RunRecord[],
  context: CliContext,
): string {
  const [last] = runs;
  if (last === undefined) return `no runs are recorded yet: tunesmith run ${view.file}\n`;
  const { dim } = pc.createColors(context.color);
  const { ellipsis } = glyphsOf(context.environment);
  const style = { width: context.columns, ellipsis, paintTitle: dim };
  const rows = runs.map((run) => [
    runName(run),
    formatInstant(run.startedAt),
    formatSeconds(run.seconds),
    countStates(run.stages),
  ]);
  const columns = [
    { title: "run" },
    { title: "started" },
    { title: "time", align: "right" },
    { title: "stages", breakAfter: ", " },
  ] as const;
  return `${renderTable(columns, rows, style)}\n${renderStages(view, last, "last run", context)}`;
}

/** `{"type":"run","id","pipeline","startedAt","seconds","stages":[{"stage","state","key"?,"seconds","reason"?,"log"?,"metrics"?}]}`. */
export function runJson({ cache }: ExaminedFile, run: RunRecord): object {
  const stages = run.stages.map((record) => {
    const [trace] = record.key === undefined ? [] : cache.traces.find(record.key);
    return { ...record, ...(trace === undefined ? {} : { metrics: trace.metrics }) };
  });
  return { type: "run", ...run, stages };
}

/** One run and what became of each stage in it. */
export function renderRun(view: ExaminedFile, run: RunRecord, context: CliContext): string {
  const { bold } = pc.createColors(context.color);
  const title = `${bold(runName(run))}  ${formatInstant(run.startedAt)}, ${formatSeconds(run.seconds)}: ${countStates(run.stages)}`;
  const logs = run.stages.flatMap(({ stage, log }) =>
    log === undefined ? [] : [`log of ${stage}: ${join(view.cache.folder.logs, log)}\n`],
  );
  return `${title}\n\n${renderStages(view, run, "stage", context)}${logs.length > 0 ? "\n" : ""}${logs.join("")}`;
}

function renderStages(
  view: ExaminedFile,
  { stages }: RunRecord,
  title: string,
  context: CliContext,
): string {
  const { dim } = pc.createColors(context.color);
  const { ellipsis } = glyphsOf(context.environment);
  const rows = stages.map((record) => stageRow(view, record, context.color));
  const columns = [
    { title, shrinks: true },
    { title: "state" },
    { title: "time", align: "right" },
    { title: "metrics", breakAfter: ", " },
  ] as const;
  return renderTable(columns, rows, { width: context.columns, ellipsis, paintTitle: dim });
}

const states = ["executed", "cached", "failed", "skipped"] as const;

function countStates(stages: readonly StageRecord[]): string {
  return states
    .map((state) => [stages.filter((record) => record.state === state).length, state] as const)
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(", ");
}

function stageRow(
  { cache, pipeline }: ExaminedFile,
  { stage, state, seconds, key }: StageRecord,
  color: boolean,
): readonly Cell[] {
  const { green, red, yellow, dim } = pc.createColors(color);
  const paints: Readonly<Record<string, (text: string) => string>> = {
    executed: green,
    cached: dim,
    failed: red,
    skipped: yellow,
  };
  const [trace] = key === undefined ? [] : cache.traces.find(key);
  const gates = pipeline.stages.find(({ name }) => name === stage)?.gates ?? [];
  return [
    stage,
    { text: state, paint: paints[state] ?? String },
    state === "executed" || state === "failed" ? formatSeconds(seconds) : "",
    mainMetrics(trace?.metrics ?? {}, gates),
  ];
}
