import pc from "picocolors";
import { type CacheInventory, takeInventory } from "../cache-inventory.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { writeJson } from "../examine-file.ts";
import { withProjectCache } from "../open-project-cache.ts";
import { formatBytes, formatCount, formatInstant } from "../text/format-quantity.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { renderTable } from "../text/render-table.ts";

/** What `tunesmith cache ls` takes. */
export interface ListFlags {
  readonly project?: string;
  readonly json: boolean;
}

/** Lists what the cache holds by pipeline and stage, the largest first. With `--json` one CacheItem a line. */
export function listCache(context: CliContext, { project, json }: ListFlags): Promise<number> {
  return withProjectCache(context, project, async (cache) => {
    const inventory = await takeInventory(cache);
    if (json) for (const item of inventory.items) writeJson(context, item);
    else context.stdout.write(renderInventory(inventory, cache.folder.root, context));
    return exitCodes.ok;
  });
}

function renderInventory(
  { items, results, bytes }: CacheInventory,
  root: string,
  context: CliContext,
): string {
  const total = `${formatCount(results, "result")}, ${formatBytes(bytes)} in ${root}\n`;
  if (items.length === 0) return total;
  const { dim } = pc.createColors(context.color);
  const rows = items.map(({ pipeline, stage, results: count, bytes: size, lastUsed }) => [
    pipeline ?? "(no recorded run)",
    stage ?? "",
    String(count),
    formatBytes(size),
    formatInstant(lastUsed),
  ]);
  const columns = [
    { title: "pipeline", shrinks: true },
    { title: "stage", shrinks: true },
    { title: "results", align: "right" },
    { title: "size", align: "right" },
    { title: "last used" },
  ] as const;
  const { ellipsis } = glyphsOf(context.environment);
  const table = renderTable(columns, rows, { width: context.columns, ellipsis, paintTitle: dim });
  return `${table}\n${total}`;
}
