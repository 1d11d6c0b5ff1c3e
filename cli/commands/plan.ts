import pc from "picocolors";
import type { Examined } from "../../engine/build/examine-pipeline.ts";
import { selectStages } from "../../engine/build/run-pipeline.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { type ExaminedFile, withExaminedFile, writeJson } from "../examine-file.ts";
import { stagesNamed } from "../stages-named.ts";
import { formatRoughSeconds } from "../text/format-quantity.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printableLine } from "../text/printable.ts";
import { type Cell, renderTable } from "../text/render-table.ts";
import { sayReason, sayState } from "../text/say-examined.ts";

/** What `tunesmith plan` takes. */
export interface PlanFlags {
  readonly set: readonly string[];
  readonly setFile?: readonly string[];
  readonly device?: string;
  readonly json: boolean;
}

/** Shows what a run would do to each stage, why, and how long that takes. Executes nothing; exit code 0. */
export function plan(
  context: CliContext,
  file: string,
  targets: readonly string[],
  { set, setFile = [], device, json }: PlanFlags,
): Promise<number> {
  const select = (pipeline: ExaminedFile["pipeline"]) =>
    selectStages(
      pipeline.stages,
      targets.flatMap((name) => stagesNamed(pipeline, name)),
    );
  const flags = { set, setFile, device, named: targets, select };
  return withExaminedFile(context, file, flags, async (view) => {
    if (json) writeJson(context, planJson(view));
    else context.stdout.write(renderPlan(view, context));
    return exitCodes.ok;
  });
}

/** The sum of the expected times of what may run, and how many stages have none. */
function timeOf(examined: Iterable<Examined>): { seconds: number; unknown: number } {
  let [seconds, unknown] = [0, 0];
  for (const stage of examined) {
    if (stage.state !== "will-run" && stage.state !== "pending") continue;
    if (stage.expectedSeconds === undefined) unknown++;
    else seconds += stage.expectedSeconds;
  }
  return { seconds, unknown };
}

/**
 * `{"type":"plan","pipeline","stages":[{"stage","kind","state":"cached|will-run|pending|broken","key"?,"reason"?,
 * "changes"?:[{"field","text"}],"upstream"?,"problem"?,"unmetGate"?,"expectedSeconds"?}],"expectedSeconds","unknown"}`:
 * `unknown` counts stages without a past run.
 */
function planJson({ pipeline, examined }: ExaminedFile): object {
  const { seconds, unknown } = timeOf(examined.values());
  const stages = [...examined].map(([stage, found]) => {
    const kind = pipeline.stages.find(({ name }) => name === stage)!.kind.kind;
    if (found.state === "cached") {
      const { built, unmetGate } = found;
      return { stage, kind, state: found.state, key: built.key, ...(unmetGate && { unmetGate }) };
    }
    if (found.state !== "will-run") return { stage, kind, ...found };
    const { recipe: _, ...rest } = found;
    return { stage, kind, ...rest };
  });
  return { type: "plan", pipeline: pipeline.name, stages, expectedSeconds: seconds, unknown };
}

function renderPlan({ pipeline, examined }: ExaminedFile, context: CliContext): string {
  const { dim, green, yellow, red } = pc.createColors(context.color);
  const paints = { cached: dim, "will run": green, pending: yellow, fails: red };
  const rows = [...examined].map(([name, found]): readonly Cell[] => {
    const state = sayState(found);
    const seconds = "expectedSeconds" in found ? found.expectedSeconds : undefined;
    return [
      name,
      pipeline.stages.find((stage) => stage.name === name)!.kind.kind,
      { text: state, paint: paints[state] },
      seconds === undefined ? "" : formatRoughSeconds(seconds),
      printableLine(sayReason(found)),
    ];
  });
  const table = renderTable(
    [
      { title: "stage", shrinks: true },
      { title: "kind", shrinks: true },
      { title: "plan" },
      { title: "expected", align: "right" },
      { title: "why" },
    ],
    rows,
    {
      width: context.columns,
      ellipsis: glyphsOf(context.environment).ellipsis,
      paintTitle: dim,
    },
  );
  return `${table}\n${renderTotals([...examined.values()])}\n`;
}

function renderTotals(examined: readonly Examined[]): string {
  const counts = (["will run", "pending", "fails", "cached"] as const).flatMap((state) => {
    const count = examined.filter((found) => sayState(found) === state).length;
    return count === 0 ? [] : [`${count} ${state === "fails" ? "failing" : state}`];
  });
  const { seconds, unknown } = timeOf(examined);
  const times = [
    ...(seconds > 0 ? [`about ${formatRoughSeconds(seconds)} of work`] : []),
    ...(unknown > 0 ? [`${unknown} without a past run`] : []),
  ];
  return `${counts.join(", ")}${times.length > 0 ? `: ${times.join(", ")}` : ""}`;
}
