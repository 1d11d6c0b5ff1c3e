import pc from "picocolors";
import { widthOf } from "../../engine/text-width.ts";
import { collectMetrics, type MetricsRow, parseFilter } from "../collect-metrics.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { writeJson } from "../examine-file.ts";
import { labelOf, openPipeline } from "../open-pipeline.ts";
import { withCacheToLookAt } from "../open-workspace.ts";
import { reportProblem } from "../report-problem.ts";
import { formatCsv } from "../text/format-csv.ts";
import { formatInstant, formatNumber } from "../text/format-quantity.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { renderTable } from "../text/render-table.ts";

/** What `tunesmith metrics` takes. */
export interface MetricsFlags {
  readonly runs: number;
  readonly sort?: string;
  readonly ascending: boolean;
  readonly filter: readonly string[];
  readonly csv: boolean;
  readonly json: boolean;
}

/** Shows the metrics of stages over the last runs, each result once: a table, CSV or JSON. */
export async function metrics(
  context: CliContext,
  file: string,
  stages: readonly string[],
  flags: MetricsFlags,
): Promise<number> {
  const { sort, ascending } = flags;
  const wrong = flags.filter.find((text) => parseFilter(text) === undefined);
  if (wrong !== undefined) {
    const message = `The filter "${wrong}" cannot be read.`;
    const hint = "write a metric, a comparison and a number: 'accuracy>=0.7'";
    reportProblem(context, { code: "bad-filter", message, hint });
    return exitCodes.usage;
  }
  const filters = flags.filter.flatMap((text) => parseFilter(text) ?? []);
  const opened = await openPipeline(context, file);
  if ("exitCode" in opened) return opened.exitCode;
  const { pipeline } = opened;
  return withCacheToLookAt(context, pipeline, async (cache) => {
    const runs = cache.traces.lastRuns({ pipeline: labelOf(pipeline), limit: flags.runs });
    const query = { stages, filters, ascending, ...(sort === undefined ? {} : { sort }) };
    const rows = collectMetrics(cache, pipeline, runs, query);
    if (flags.json) writeJson(context, { type: "metrics", pipeline: pipeline.name, rows });
    else context.stdout.write(flags.csv ? csvOf(rows) : renderMetrics(rows, context));
    return exitCodes.ok;
  });
}

/** All names of metrics, in the order in which rows bring them. */
function namesIn(rows: readonly MetricsRow[]): readonly string[] {
  return [...new Set(rows.flatMap(({ metrics: of }) => Object.keys(of)))];
}

function renderMetrics(rows: readonly MetricsRow[], context: CliContext): string {
  if (rows.length === 0) return "no metrics\n";
  const heads = rows.map(({ run, startedAt, stage }) => [run, formatInstant(startedAt), stage]);
  const names = namesIn(rows);
  const cellsOf = (name: string) =>
    rows.map(({ metrics: of }) => (of[name] === undefined ? "" : formatNumber(of[name])));
  const widthsOf = (name: string) => [name, ...cellsOf(name)].map(widthOf);
  let room =
    context.columns - heads.reduce((most, head) => Math.max(most, widthOf(head.join("  "))), 0);
  const shown = names.filter((name) => {
    room -= GAP + Math.max(...widthsOf(name));
    return room >= 0;
  });
  const columns = [
    { title: "run" },
    { title: "started" },
    { title: "stage", shrinks: true },
    ...shown.map((title) => ({ title, align: "right" }) as const),
  ] as const;
  const metricCells = shown.map(cellsOf);
  const cells = heads.map((head, row) => [...head, ...metricCells.map((column) => column[row]!)]);
  const { dim } = pc.createColors(context.color);
  const { ellipsis } = glyphsOf(context.environment);
  const table = renderTable(columns, cells, { width: context.columns, ellipsis, paintTitle: dim });
  const left = names.filter((name) => !shown.includes(name));
  return left.length === 0 ? table : `${table}\nno room for ${left.join(", ")}: --csv has all\n`;
}

/** Between the columns of a table. */
const GAP = 2;

/** RFC 4180, numbers in full. */
function csvOf(rows: readonly MetricsRow[]): string {
  const names = namesIn(rows);
  const lines = rows.map(({ run, startedAt, stage, key, metrics: of }) => [
    run,
    startedAt,
    stage,
    key,
    ...names.map((name) => String(of[name] ?? "")),
  ]);
  return formatCsv([["run", "started_at", "stage", "key", ...names], ...lines]);
}
