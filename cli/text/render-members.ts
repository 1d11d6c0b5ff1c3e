import pc from "picocolors";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import type { CliContext } from "../context.ts";
import type { DescribedStage } from "../describe-stage.ts";
import { mainMetrics } from "../reporters/main-metrics.ts";
import { formatCount, formatInstant, formatSeconds } from "./format-quantity.ts";
import { glyphsOf } from "./glyphs.ts";
import { renderTable } from "./render-table.ts";

/** The members of a matrix in a table, each with its last result. */
export function renderMembers(
  name: string,
  members: readonly { readonly stage: PipelineStage; readonly described: DescribedStage }[],
  file: string,
  context: CliContext,
): string {
  const { bold, dim } = pc.createColors(context.color);
  const { ellipsis } = glyphsOf(context.environment);
  const rows = members.map(({ stage, described: { state, result } }) => [
    stage.name,
    state,
    result === undefined ? "" : formatInstant(result.finishedAt),
    result === undefined ? "" : formatSeconds(result.seconds),
    mainMetrics(result?.metrics ?? {}, stage.gates),
  ]);
  const columns = [
    { title: "member", shrinks: true },
    { title: "state" },
    { title: "made" },
    { title: "time", align: "right" },
    { title: "metrics", breakAfter: ", " },
  ] as const;
  const table = renderTable(columns, rows, { width: context.columns, ellipsis, paintTitle: dim });
  const first = members[0]?.stage.name ?? name;
  const head = `${bold(name)}  ${formatCount(members.length, "member")}`;
  return `${head}\n\n${table}\none of them: tunesmith show ${file} '${first}'\n`;
}
