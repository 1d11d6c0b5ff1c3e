import pc from "picocolors";
import { type Problem, StageFailure } from "../../engine/diagnostic.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import type { NearRow } from "../../stages/embed/nearest-rows.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { type EmbeddedRows, openEmbeddedRows } from "../embedded-rows.ts";
import {
  type ExaminedFile,
  reportUnknownStage,
  withExaminedFile,
  writeJson,
} from "../examine-file.ts";
import { reportProblem } from "../report-problem.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printable } from "../text/printable.ts";
import { renderTable } from "../text/render-table.ts";

/** What is looked for where. */
export interface NeighboursRequest {
  readonly file: string;
  /** An embed stage; absent: the only one of the file. */
  readonly stage: string | undefined;
  /** A row's id, or a text. */
  readonly of: string;
}

/** How `tunesmith show --neighbours` is told. */
export interface NeighboursFlags {
  /** How many neighbours. */
  readonly topK: number;
  readonly json: boolean;
}

/** Shows the rows of an up-to-date embed stage that are nearest to a row of it, or to a text, by cosine. */
export function showNeighbours(
  context: CliContext,
  { file, stage: name, of }: NeighboursRequest,
  flags: NeighboursFlags,
): Promise<number> {
  return withExaminedFile(context, file, {}, async (view) => {
    const { stages } = view.pipeline;
    if (name !== undefined && !stages.some((stage) => stage.name === name))
      return reportUnknownStage(context, file, view.pipeline, name);
    const stage = embedStage(stages, name);
    if ("message" in stage) {
      reportProblem(context, stage);
      return exitCodes.usage;
    }
    const lease = view.cache.leases.take();
    try {
      return await showNearest(context, view, { stage, of, flags });
    } catch (error) {
      if (!(error instanceof StageFailure)) throw error;
      reportProblem(context, error.problem);
      return exitCodes.failed;
    } finally {
      lease.release();
    }
  });
}

function embedStage(
  stages: readonly PipelineStage[],
  name: string | undefined,
): PipelineStage | Problem {
  const embedding = stages.filter(({ kind }) => kind.kind === "embed");
  const found = embedding.find((stage) => stage.name === name);
  if (found !== undefined) return found;
  if (name === undefined && embedding.length === 1) return embedding[0]!;
  const names = embedding.map((stage) => stage.name).join(", ");
  return {
    code: "no-vectors",
    message: name === undefined ? "--neighbours needs a stage." : `"${name}" is no embed stage.`,
    hint: names === "" ? "add a stage `uses: embed`" : `embed stages: ${names}`,
  };
}

async function showNearest(
  context: CliContext,
  view: ExaminedFile,
  { stage, of, flags }: { stage: PipelineStage; of: string; flags: NeighboursFlags },
): Promise<number> {
  const rows = await openEmbeddedRows(view, stage);
  if (!rows.ok) {
    reportProblem(context, rows.error);
    return exitCodes.failed;
  }
  const { row, nearest } = await rows.value.near(of, flags.topK);
  if (flags.json) writeJson(context, nearestJson({ stage, of, isRow: row, nearest }, rows.value));
  else context.stdout.write(renderNearest(nearest, rows.value, context));
  return exitCodes.ok;
}

/** `{"type":"neighbours","stage","of":{"id"|"text"},"neighbours":[{"split","id","similarity","text"?,"label"?}]}` */
function nearestJson(
  found: {
    readonly stage: PipelineStage;
    readonly of: string;
    readonly isRow: boolean;
    readonly nearest: readonly NearRow[];
  },
  rows: EmbeddedRows,
): object {
  const neighbours = found.nearest.map((near) => {
    const { text, label } = rows.rowOf(near) ?? {};
    return { ...near, ...(text !== undefined && { text }), ...(label !== undefined && { label }) };
  });
  const of = found.isRow ? { id: found.of } : { text: found.of };
  return { type: "neighbours", stage: found.stage.name, of, neighbours };
}

function renderNearest(
  nearest: readonly NearRow[],
  rows: EmbeddedRows,
  { color, columns: width, environment }: CliContext,
): string {
  const { dim } = pc.createColors(color);
  const { ellipsis } = glyphsOf(environment);
  const columns = [
    { title: "cosine", align: "right" },
    { title: "split" },
    { title: "row", shrinks: true },
    { title: "label", shrinks: true },
    { title: "text" },
  ] as const;
  const cells = nearest.map((near) => {
    const { text = "", label = "" } = rows.rowOf(near) ?? {};
    const shown = printable(text.replaceAll(/\s+/g, " ").slice(0, 500));
    return [near.similarity.toFixed(4), near.split, printable(near.id), printable(label), shown];
  });
  return renderTable(columns, cells, { width, ellipsis, paintTitle: dim });
}
