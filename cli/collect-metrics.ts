import type { Cache } from "../cache/open-cache.ts";
import type { RunRecord } from "../cache/trace-store.ts";
import type { Pipeline } from "../engine/pipeline/pipeline.ts";
import type { OutputPorts } from "../engine/stage.ts";
import { runName } from "./select-run.ts";

/** The metrics of one result: a stage in a run. */
export interface MetricsRow {
  readonly run: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly stage: string;
  readonly key: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Which rows, and in which order. */
export interface MetricsQuery {
  /** Stages, or names of matrices for all their members; empty: those that evaluate, else all that report numbers. */
  readonly stages: readonly string[];
  readonly filters: readonly MetricFilter[];
  /** The metric to sort by, best first; absent: newest run first, stages in the pipeline's order. */
  readonly sort?: string;
  /** Smallest first. */
  readonly ascending: boolean;
}

/** A condition on one metric. Rows without that metric do not meet it. */
export interface MetricFilter {
  readonly metric: string;
  readonly operator: string;
  readonly value: number;
}

/** Reads `accuracy>=0.7`; undefined for what is none. */
export function parseFilter(text: string): MetricFilter | undefined {
  const [, metric, operator, number] =
    /^\s*([^\s<>=!]+)\s*(>=|<=|==|!=|=|>|<)\s*(\S+)\s*$/.exec(text) ?? [];
  const value = Number(number);
  if (metric === undefined || operator === undefined || !Number.isFinite(value)) return undefined;
  return { metric, operator: operator === "=" ? "==" : operator, value };
}

/** Each result once, in the newest of the runs that used it. */
export function collectMetrics(
  cache: Cache,
  pipeline: Pipeline,
  runs: readonly RunRecord[],
  query: MetricsQuery,
): readonly MetricsRow[] {
  const rank = new Map(pipeline.stages.map(({ name }, index) => [name, index]));
  const rows: MetricsRow[] = [];
  const seen = new Set<string>();
  for (const run of runs) {
    const records = [...run.stages].sort(
      (a, b) => (rank.get(a.stage) ?? Infinity) - (rank.get(b.stage) ?? Infinity),
    );
    for (const { stage, key } of records) {
      const [trace] = key === undefined ? [] : cache.traces.find(key);
      const name = `${stage} ${key}`;
      if (trace === undefined || seen.has(name) || Object.keys(trace.metrics).length === 0)
        continue;
      seen.add(name);
      const { metrics } = trace;
      rows.push({ run: runName(run), startedAt: run.startedAt, stage, key: trace.key, metrics });
    }
  }
  const chosen = chooseStages(rows, pipeline, query.stages).filter((row) =>
    query.filters.every((filter) => meets(row.metrics[filter.metric], filter)),
  );
  return query.sort === undefined ? chosen : sortRows(chosen, query.sort, query.ascending);
}

function chooseStages(
  rows: readonly MetricsRow[],
  { stages }: Pipeline,
  named: readonly string[],
): readonly MetricsRow[] {
  if (named.length > 0)
    return rows.filter(({ stage }) => named.includes(stage) || named.includes(matrixOf(stage)));
  const evaluations = stages.filter(({ kind }) =>
    Object.values<OutputPorts[string]>(kind.outputs).some(({ type }) => type.name === "metrics"),
  );
  const names = new Set(evaluations.map(({ name }) => matrixOf(name)));
  const evaluated = rows.filter(({ stage }) => names.has(matrixOf(stage)));
  return evaluated.length > 0 ? evaluated : rows;
}

/** `train` of `train[seed=1]`. */
function matrixOf(stage: string): string {
  const end = stage.indexOf("[");
  return end < 0 ? stage : stage.slice(0, end);
}

function meets(found: number | undefined, { operator, value }: MetricFilter): boolean {
  if (found === undefined) return false;
  const order = Math.sign(found - value);
  const accepted = { ">=": [0, 1], ">": [1], "<=": [0, -1], "<": [-1], "==": [0], "!=": [1, -1] };
  return accepted[operator as keyof typeof accepted].includes(order);
}

function sortRows(
  rows: readonly MetricsRow[],
  metric: string,
  ascending: boolean,
): readonly MetricsRow[] {
  const direction = ascending ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [left, right] = [a.metrics[metric], b.metrics[metric]];
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined);
    return direction * (left - right);
  });
}
