import { readTree } from "../../engine/build/execute-stage.ts";
import { findCheckpoints } from "../../engine/build/find-checkpoints.ts";
import { checkpointRecipe, type Recipe, traceKeyOf } from "../../engine/build/recipe.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { type ExaminedFile, reportUnknownStage, withExaminedFile } from "../examine-file.ts";
import { reportProblem } from "../report-problem.ts";
import { formatCsv } from "../text/format-csv.ts";
import { sayReason } from "../text/say-examined.ts";

/** A line of metrics.jsonl: a step, or an evaluation after it. */
type Line = Readonly<Record<string, number>>;

/**
 * Prints what each step of a stage's training measured, and each evaluation: the metrics.jsonl of its last checkpoint, as it
 * is or as CSV. Of a training that was stopped, as far as it was kept.
 */
export function stepMetrics(
  context: CliContext,
  file: string,
  stages: readonly string[],
  { device, csv }: { readonly device?: string; readonly csv: boolean },
): Promise<number> {
  return withExaminedFile(context, file, { device }, async (view) => {
    const [name, ...others] = stages;
    if (name === undefined || others.length > 0) {
      const hint = `name it: tunesmith metrics ${file} STAGE --steps`;
      reportProblem(context, { code: "no-stage-named", message: "--steps needs one stage.", hint });
      return exitCodes.usage;
    }
    const stage = view.pipeline.stages.find((one) => one.name === name);
    if (stage === undefined) return reportUnknownStage(context, file, view.pipeline, name);
    const text = await stepsOf(view, stage);
    if (text !== undefined) {
      context.stdout.write(csv ? csvOf(parseLines(text)) : text);
      return exitCodes.ok;
    }
    reportProblem(context, {
      code: "no-steps",
      message: `There are no steps of "${name}" to show: ${whyNone(view, stage)}.`,
      hint: "they are kept with the checkpoints of stages that train",
    });
    return exitCodes.failed;
  });
}

function whyNone({ examined }: ExaminedFile, { name, kind }: PipelineStage): string {
  if (kind.notInCheckpoints === undefined) return `${kind.kind} keeps no checkpoints`;
  const found = examined.get(name)!;
  if (found.state !== "cached") return sayReason(found);
  return "its checkpoints are gone, or save_strategy is no";
}

/** metrics.jsonl of the newest checkpoint that can be of the stage's training. */
async function stepsOf(view: ExaminedFile, stage: PipelineStage): Promise<string | undefined> {
  const found = view.examined.get(stage.name)!;
  if (stage.kind.notInCheckpoints === undefined) return undefined;
  if (found.state !== "cached" && found.state !== "will-run") return undefined;
  const isDone = found.state === "cached";
  const recipe: Recipe = isDone ? found.built.recipe : found.recipe;
  const key = traceKeyOf(checkpointRecipe(stage, recipe));
  for await (const { tree } of findCheckpoints(key, view.cache)) {
    const text = await readTree(tree, view.cache.blobs).readText("metrics.jsonl");
    if (!isDone || isOf(parseLines(text), found.built.metrics)) return text;
  }
  return undefined;
}

/** Whether these are the steps of the training that ended with these metrics: others share the checkpoints' key. */
function isOf(lines: readonly Line[], { steps, train_loss }: Line): boolean {
  const losses = lines.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  const sum = losses.reduce((total, loss) => total + loss, 0);
  return losses.length === steps && sum / losses.length === train_loss;
}

function parseLines(text: string): readonly Line[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

function csvOf(lines: readonly Line[]): string {
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  return formatCsv([names, ...lines.map((line) => names.map((name) => String(line[name] ?? "")))]);
}
