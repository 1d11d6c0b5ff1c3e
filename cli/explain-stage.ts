import type { Trace } from "../cache/trace-store.ts";
import type { Examined } from "../engine/build/examine-pipeline.ts";
import { type Explanation, explainChange } from "../engine/build/explain-change.ts";
import type { Recipe } from "../engine/build/recipe.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import { compareSources } from "./compare-sources.ts";
import type { ExaminedFile } from "./examine-file.ts";
import { readLock } from "./lock-file.ts";
import { sayReason } from "./text/say-examined.ts";

/** Why a stage would run, or would not; `why --json` prints it as it is. */
export interface StageExplanation {
  readonly type: "why";
  readonly stage: string;
  readonly state: Examined["state"];
  /** The reason in one sentence; empty for a stage that is up to date. */
  readonly reason: string;
  /** What changed since the stage's last result, the most telling field first. */
  readonly changes: readonly Explanation[];
  /** Files that the stage reads and that differ from the lockfile; of a folder, the files in it. */
  readonly changedFiles: readonly string[];
  /** Stages above that would run and so make this one wait, with their reasons. */
  readonly causes: readonly { readonly stage: string; readonly reason: string }[];
  /** Stages below, which run only if this one's output changes. */
  readonly downstream: readonly string[];
  /** Stages that stay as they are. */
  readonly unaffected: readonly string[];
  /** The result that makes the stage up to date. */
  readonly result?: {
    readonly key: string;
    /** ISO 8601, UTC. */
    readonly finishedAt: string;
    /** How long the stage ran. */
    readonly seconds: number;
    readonly files: number;
    readonly bytes: number;
    /** How this result's recipe differs from the one that the stage used before. */
    readonly changesBefore: readonly Explanation[];
  };
}

/** Gathers in one place all that decides whether a stage runs. */
export async function explainStage(
  view: ExaminedFile,
  stage: PipelineStage,
): Promise<StageExplanation> {
  const { pipeline, examined } = view;
  const found = examined.get(stage.name)!;
  const above = stagesAbove(pipeline, stage.name);
  const below = stagesBelow(pipeline, stage.name);
  const causes = pipeline.stages.flatMap(({ name }) => {
    const state = examined.get(name)!;
    const isCause = above.has(name) && (state.state === "will-run" || state.state === "broken");
    return isCause ? [{ stage: name, reason: sayReason(state) }] : [];
  });
  const unaffected = pipeline.stages.filter(
    ({ name }) => name !== stage.name && !below.has(name) && examined.get(name)!.state === "cached",
  );
  return {
    type: "why",
    stage: stage.name,
    state: found.state,
    reason: sayReason(found),
    changes: "changes" in found ? found.changes : [],
    changedFiles: await changedFilesOf(view, stage),
    causes,
    downstream: pipeline.stages.map(({ name }) => name).filter((name) => below.has(name)),
    unaffected: unaffected.map(({ name }) => name),
    ...(found.state === "cached" ? { result: resultOf(view, stage, found) } : {}),
  };
}

async function changedFilesOf(
  { pipeline, cache }: ExaminedFile,
  stage: PipelineStage,
): Promise<readonly string[]> {
  const lock = await readLock(pipeline);
  if (!lock.ok || lock.value === undefined) return [];
  const sources = await compareSources({ ...pipeline, stages: [stage] }, cache, lock.value);
  const own = new Set(stage.sources.map(({ shown }) => shown));
  return sources.flatMap(({ path, state, files }) => {
    if (!own.has(path) || state === "unchanged") return [];
    return files === undefined ? [path] : files.map((name) => `${path}/${name}`);
  });
}

function resultOf(
  { cache, label }: ExaminedFile,
  stage: PipelineStage,
  { built }: Examined & { readonly state: "cached" },
): NonNullable<StageExplanation["result"]> {
  const trees = Object.values(built.outputs).map(({ tree }) => Object.values(tree.files));
  const files = trees.flat();
  const [trace] = cache.traces.find(built.key);
  const past = cache.traces.recent({ pipeline: label, stage: stage.name, limit: 2 });
  return {
    key: built.key,
    finishedAt: trace!.finishedAt,
    seconds: built.seconds,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    changesBefore: changesBefore(stage, built.recipe, past),
  };
}

function changesBefore(
  stage: PipelineStage,
  recipe: Recipe,
  past: readonly Trace[],
): readonly Explanation[] {
  const [last, before] = past;
  if (last === undefined || before === undefined) return [];
  return explainChange(stage, before.recipe as unknown as Recipe, recipe);
}

function stagesAbove(pipeline: Pipeline, name: string): ReadonlySet<string> {
  const above = new Set<string>();
  for (const stage of [...pipeline.stages].reverse()) {
    if (stage.name !== name && !above.has(stage.name)) continue;
    for (const reference of Object.values(stage.inputs)) above.add(reference.stage);
  }
  return above;
}

function stagesBelow(pipeline: Pipeline, name: string): ReadonlySet<string> {
  const below = new Set<string>();
  for (const { name: stage, inputs } of pipeline.stages) {
    const reads = Object.values(inputs).map((reference) => reference.stage);
    if (reads.some((read) => read === name || below.has(read))) below.add(stage);
  }
  return below;
}
