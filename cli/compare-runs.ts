import type { Cache } from "../cache/open-cache.ts";
import type { RunRecord, StageRecord, Trace } from "../cache/trace-store.ts";
import { changesBetween } from "../engine/build/changes.ts";
import { type Explanation, explainChange } from "../engine/build/explain-change.ts";
import type { Recipe } from "../engine/build/recipe.ts";
import type { Pipeline } from "../engine/pipeline/pipeline.ts";
import type { Json } from "../engine/stage.ts";

/** A number that two runs report differently; absent where one does not. */
export interface MetricChange {
  readonly metric: string;
  readonly from?: number;
  readonly to?: number;
}

/** A stage that is not the same in two runs. */
export interface ComparedRunStage {
  readonly stage: string;
  /** `changed`: another key, or it ended in another way. */
  readonly state: "changed" | "added" | "removed";
  readonly changes: readonly Explanation[];
  readonly metrics: readonly MetricChange[];
}

/** Two runs side by side, differences only. */
export interface ComparedRuns {
  readonly stages: readonly ComparedRunStage[];
  /** Stages that used or made the same result in both. */
  readonly same: readonly string[];
}

/** Compares what two runs of a pipeline used and made. */
export function compareRuns(
  cache: Cache,
  pipeline: Pipeline,
  before: RunRecord,
  after: RunRecord,
): ComparedRuns {
  const order = [...new Set([...after.stages, ...before.stages].map(({ stage }) => stage))];
  const rank = new Map(pipeline.stages.map(({ name }, index) => [name, index]));
  order.sort((a, b) => (rank.get(a) ?? Infinity) - (rank.get(b) ?? Infinity));
  const recordOf = (run: RunRecord, name: string) => run.stages.find(({ stage }) => stage === name);
  const stages: ComparedRunStage[] = [];
  const same: string[] = [];
  for (const stage of order) {
    const [from, to] = [recordOf(before, stage), recordOf(after, stage)];
    if (from === undefined || to === undefined) {
      const state = from === undefined ? "added" : "removed";
      stages.push({ stage, state, changes: [], metrics: [] });
      continue;
    }
    const found = compareStage(cache, pipeline, from, to);
    if (found === undefined) same.push(stage);
    else stages.push({ stage, state: "changed", ...found });
  }
  return { stages, same };
}

function compareStage(
  cache: Cache,
  pipeline: Pipeline,
  from: StageRecord,
  to: StageRecord,
): Pick<ComparedRunStage, "changes" | "metrics"> | undefined {
  const ended = isDone(from) === isDone(to) ? [] : [stateChange(from, to)];
  if (from.key === to.key) return ended.length === 0 ? undefined : { changes: ended, metrics: [] };
  const [before, after] = [traceOf(cache, from), traceOf(cache, to)];
  if (before === undefined || after === undefined) {
    const gone = { field: "key", text: "its key changed; what it was made of is no longer known" };
    return { changes: [...ended, gone], metrics: [] };
  }
  return {
    changes: [...ended, ...explain(pipeline, from.stage, before, after)],
    metrics: changesBetween(before.metrics, after.metrics).map((change) => ({
      metric: change.path,
      ...(typeof change.from === "number" ? { from: change.from } : {}),
      ...(typeof change.to === "number" ? { to: change.to } : {}),
    })),
  };
}

function isDone({ state }: StageRecord): boolean {
  return state === "executed" || state === "cached";
}

function stateChange({ state: from }: StageRecord, { state: to }: StageRecord): Explanation {
  return { field: "state", text: `${from} -> ${to}`, from, to };
}

function traceOf({ traces }: Cache, { key }: StageRecord): Trace | undefined {
  return key === undefined ? undefined : traces.find(key)[0];
}

/** In the pipeline's words where it still has the stage, in the recipe's where it does not. */
function explain(
  pipeline: Pipeline,
  name: string,
  before: Trace,
  after: Trace,
): readonly Explanation[] {
  const stage = pipeline.stages.find((candidate) => candidate.name === name);
  const [from, to] = [before.recipe, after.recipe] as unknown as readonly Recipe[];
  if (stage !== undefined) return explainChange(stage, from!, to!);
  return changesBetween(before.recipe as Json, after.recipe as Json).map((change) => ({
    field: change.path,
    text: `${change.path}: ${JSON.stringify(change.from)} -> ${JSON.stringify(change.to)}`,
    ...(change.from === undefined ? {} : { from: change.from }),
    ...(change.to === undefined ? {} : { to: change.to }),
  }));
}
