import pc from "picocolors";
import type { RunRecord, StageRecord } from "../../cache/trace-store.ts";
import type { CliContext } from "../context.ts";
import type { ExaminedFile } from "../examine-file.ts";
import { mainMetrics } from "../reporters/main-metrics.ts";
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
    formatInstant(run.startedAt),
    formatSeconds(run.seconds),
    countStates(run.stages),
  ]);
  const columns = [
    { title: "run" },
    { title: "time", align: "right" },
    { title: "stages", breakAfter: ", " },
  ] as const;
  const stages = last.stages.map((record) => stageRow(view, record, context.color));
  return `${renderTable(columns, rows, style)}\n${renderTable(stageColumns, stages, style)}`;
}

const stageColumns = [
  { title: "last run", shrinks: true },
  { title: "state" },
  { title: "time", align: "right" },
  { title: "metrics", breakAfter: ", " },
] as const;

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
