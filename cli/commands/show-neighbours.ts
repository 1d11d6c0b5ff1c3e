import pc from "picocolors";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import type { NearRow } from "../../stages/embed/nearest-rows.ts";
import type { CliContext } from "../context.ts";
import type { EmbeddedRows } from "../embedded-rows.ts";
import { writeJson } from "../examine-file.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printable } from "../text/printable.ts";
import { renderTable } from "../text/render-table.ts";
import { type EmbedStageName, withEmbeddedRows } from "../with-embedded-rows.ts";

/** What is looked for where. */
export interface NeighboursRequest extends EmbedStageName {
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
  request: NeighboursRequest,
  { topK, json }: NeighboursFlags,
): Promise<number> {
  return withEmbeddedRows(context, request, async (rows, stage) => {
    const { of } = request;
    const { row, nearest } = await rows.near(of, topK);
    if (json) writeJson(context, nearestJson({ stage, of, isRow: row, nearest }, rows));
    else context.stdout.write(renderNearest(nearest, rows, context));
  });
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
