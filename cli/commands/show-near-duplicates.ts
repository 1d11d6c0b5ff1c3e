import pc from "picocolors";
import type { NearPair } from "../../stages/embed/near-duplicates.ts";
import type { CliContext } from "../context.ts";
import type { EmbeddedRows } from "../embedded-rows.ts";
import { writeJson } from "../examine-file.ts";
import { formatCount } from "../text/format-quantity.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printable } from "../text/printable.ts";
import { renderTable } from "../text/render-table.ts";
import { type EmbedStageName, withEmbeddedRows } from "../with-embedded-rows.ts";
import type { NeighboursFlags } from "./show-neighbours.ts";

/** What is looked for where. */
export interface NearDuplicatesRequest extends EmbedStageName {
  /** How near two rows are to count, as a cosine. */
  readonly least: number;
}

/**
 * Shows how many pairs of rows of an up-to-date embed stage are almost the same, and the nearest of them. With `--json`
 * `{"type":"near-duplicates","stage","least","pairs","acrossSplits","nearest":[{"first":{"split","id"},"second","similarity"}]}`.
 */
export function showNearDuplicates(
  context: CliContext,
  request: NearDuplicatesRequest,
  { topK, json }: NeighboursFlags,
): Promise<number> {
  return withEmbeddedRows(context, request, async (rows, stage) => {
    const { least } = request;
    const found = await rows.duplicates(least, topK);
    if (json) {
      const named = { type: "near-duplicates", stage: stage.name, least };
      return writeJson(context, { ...named, ...found });
    }
    const { pairs, acrossSplits, nearest } = found;
    const across = `${acrossSplits} of them in different splits`;
    context.stdout.write(`${formatCount(pairs, "pair")} at ${least} or more, ${across}\n`);
    context.stdout.write(renderPairs(nearest, rows, context));
  });
}

function renderPairs(
  pairs: readonly NearPair[],
  rows: EmbeddedRows,
  { color, columns: width, environment }: CliContext,
): string {
  const { dim } = pc.createColors(color);
  const { ellipsis } = glyphsOf(environment);
  const columns = [
    { title: "cosine", align: "right" },
    { title: "split" },
    { title: "row", shrinks: true },
    { title: "text" },
  ] as const;
  const lineOf = (similarity: string, { split, id }: NearPair["first"]) => {
    const text = (rows.rowOf({ split, id })?.text ?? "").replaceAll(/\s+/g, " ").slice(0, 500);
    return [similarity, split, printable(id), printable(text)];
  };
  const cells = pairs.flatMap(({ first, second, similarity }) => [
    lineOf(similarity.toFixed(4), first),
    lineOf("", second),
  ]);
  return renderTable(columns, cells, { width, ellipsis, paintTitle: dim });
}
