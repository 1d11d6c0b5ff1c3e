import { relative } from "node:path";
import pc from "picocolors";
import type { SummaryEvent } from "../../engine/event.ts";
import type { Pipeline, PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { formatSeconds } from "../text/format-quantity.ts";
import { type Cell, renderTable } from "../text/render-table.ts";
import { mainMetrics } from "./main-metrics.ts";

/** What a run left of one stage: the time it took to execute, and its metrics. */
export interface StageResult {
  readonly seconds?: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Where the summary is shown. */
export interface SummaryRoom {
  readonly color: boolean;
  readonly columns: number;
  readonly cwd: string;
  readonly ellipsis: string;
}

const states = ["executed", "cached", "failed", "skipped"] as const;
type State = (typeof states)[number];

/** The result of a run: a table of its stages, where outputs were put, and one line that counts. */
export function renderSummary(
  pipeline: Pipeline,
  results: ReadonlyMap<string, StageResult>,
  summary: SummaryEvent,
  room: SummaryRoom,
): string {
  const stateOf = new Map(states.flatMap((state) => summary[state].map((name) => [name, state])));
  const stages = pipeline.stages.filter(({ name }) => stateOf.has(name));
  const { dim } = pc.createColors(room.color);
  const rows = stages.map((stage) =>
    rowOf(stage, stateOf.get(stage.name) as State, results.get(stage.name), room.color),
  );
  const table = renderTable(
    [
      { title: "stage", shrinks: true },
      { title: "kind", shrinks: true },
      { title: "state" },
      { title: "time", align: "right" },
      { title: "metrics", breakAfter: ", " },
    ],
    rows,
    { width: room.columns, ellipsis: room.ellipsis, paintTitle: dim },
  );
  const done = stages.filter(({ name }) => ["executed", "cached"].includes(stateOf.get(name)!));
  return `${table}\n${renderPlaces(done, room.cwd)}${renderCounts(summary)}\n`;
}

function rowOf(
  stage: PipelineStage,
  state: State,
  result: StageResult | undefined,
  color: boolean,
): readonly Cell[] {
  const { green, red, yellow, dim } = pc.createColors(color);
  const paint = { executed: green, cached: dim, failed: red, skipped: yellow }[state];
  const seconds = result?.seconds;
  return [
    stage.name,
    stage.kind.kind,
    { text: state, paint },
    seconds === undefined ? "" : formatSeconds(seconds),
    mainMetrics(result?.metrics ?? {}, stage.gates),
  ];
}

function renderPlaces(stages: readonly PipelineStage[], cwd: string): string {
  const places = stages.flatMap(({ name, destination }) =>
    destination === undefined ? [] : [`${name} -> ${relative(cwd, destination.absolute) || "."}\n`],
  );
  return places.join("");
}

function renderCounts(summary: SummaryEvent): string {
  const counts = states
    .filter((state) => summary[state].length > 0)
    .map((state) => `${summary[state].length} ${state}`);
  return `${counts.join(", ") || "nothing to do"} in ${formatSeconds(summary.seconds)}`;
}
