import pc from "picocolors";
import type { RunRecord } from "../../cache/trace-store.ts";
import { type ComparedRuns, compareRuns, type MetricChange } from "../compare-runs.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { writeJson } from "../examine-file.ts";
import { labelOf, openPipeline } from "../open-pipeline.ts";
import { withCacheToLookAt } from "../open-workspace.ts";
import { reportProblem } from "../report-problem.ts";
import { runName, selectRun } from "../select-run.ts";
import { formatInstant, formatNumber } from "../text/format-quantity.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printableLine } from "../text/printable.ts";
import { renderTable } from "../text/render-table.ts";

/** Two runs, by their names. */
export interface DiffedRuns {
  readonly from: string;
  readonly to: string;
}

/** Shows what two runs of a pipeline did differently: params, inputs and metrics, differences only. Exit code 0. */
export async function diff(
  context: CliContext,
  file: string,
  { from, to }: DiffedRuns,
  { json }: { readonly json: boolean },
): Promise<number> {
  const opened = await openPipeline(context, file);
  if ("exitCode" in opened) return opened.exitCode;
  const { pipeline } = opened;
  return withCacheToLookAt(context, pipeline, async (cache) => {
    const label = labelOf(pipeline);
    const [before, after] = [selectRun(cache, label, from), selectRun(cache, label, to)];
    for (const run of [before, after]) {
      if (run.ok) continue;
      reportProblem(context, run.error);
      return exitCodes.usage;
    }
    if (!before.ok || !after.ok) throw new Error("internal: an unknown run went on");
    const compared = compareRuns(cache, pipeline, before.value, after.value);
    if (json) {
      const ids = { from: before.value.id, to: after.value.id };
      writeJson(context, { type: "diff", pipeline: pipeline.name, ...ids, ...compared });
    } else context.stdout.write(renderDiff(before.value, after.value, compared, context));
    return exitCodes.ok;
  });
}

function renderDiff(
  before: RunRecord,
  after: RunRecord,
  { stages, same }: ComparedRuns,
  context: CliContext,
): string {
  const { dim } = pc.createColors(context.color);
  const rows = stages.flatMap(({ stage, state, changes, metrics }) => {
    const texts = [...changes.map(({ text }) => text), ...metrics.map(sayMetric)];
    const shown = texts.length === 0 ? [state === "added" ? "new" : "gone"] : texts;
    return shown.map((text, index) => [index === 0 ? stage : "", printableLine(text)]);
  });
  const columns = [{ title: "stage", shrinks: true }, { title: "differences" }] as const;
  const { ellipsis } = glyphsOf(context.environment);
  const table = renderTable(columns, rows, { width: context.columns, ellipsis, paintTitle: dim });
  const name = (run: RunRecord) => `${runName(run)} (${formatInstant(run.startedAt)})`;
  return [
    `${name(before)} -> ${name(after)}\n`,
    ...(table === "" ? [] : [`\n${table}`]),
    ...(same.length > 0 ? [`\nthe same: ${same.join(", ")}\n`] : []),
  ].join("");
}

/** `accuracy: 0.7128 -> 0.7404 (+0.0276)`. */
function sayMetric({ metric, from, to }: MetricChange): string {
  const shown = (value: number | undefined) =>
    value === undefined ? "not there" : formatNumber(value);
  if (from === undefined || to === undefined) return `${metric}: ${shown(from)} -> ${shown(to)}`;
  const sign = to > from ? "+" : "";
  return `${metric}: ${shown(from)} -> ${shown(to)} (${sign}${formatNumber(to - from)})`;
}
