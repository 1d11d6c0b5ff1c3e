import { changesBetween } from "../engine/build/changes.ts";
import { withLaterDefaults } from "../engine/build/compare-locks.ts";
import type { Examined } from "../engine/build/examine-pipeline.ts";
import { type Explanation, explainChange } from "../engine/build/explain-change.ts";
import { fieldOf } from "../engine/build/explain-code.ts";
import { lockStage } from "../engine/build/lock-run.ts";
import type { Recipe } from "../engine/build/recipe.ts";
import type { LockedStage, Lockfile } from "../engine/lockfile.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import type { Json } from "../engine/stage.ts";
import type { ComparedSource } from "./compare-sources.ts";

/** A stage of the pipeline beside its entry in the lockfile. */
export interface ComparedStage {
  readonly stage: string;
  /** `pending`: the stage itself is as locked, but what it reads may turn out different. */
  readonly state: "unchanged" | "modified" | "pending" | "new" | "removed";
  /** What differs, old -> new. */
  readonly changes: readonly Explanation[];
  /** Whether its outputs are in the cache now. */
  readonly isStored: boolean;
}

/** What stages are compared by. */
export interface StagesNow {
  readonly pipeline: Pipeline;
  readonly examined: ReadonlyMap<string, Examined>;
  readonly sources: readonly ComparedSource[];
}

/** Each stage of the pipeline in topological order, then those that only the lockfile has. */
export function compareStages(
  now: StagesNow,
  lock: Lockfile | undefined,
): readonly ComparedStage[] {
  const states = new Map<string, ComparedStage>();
  for (const stage of now.pipeline.stages)
    states.set(stage.name, compareStage(stage, now, lock?.stages[stage.name], states));
  const removed = Object.keys(lock?.stages ?? {}).filter((name) => !states.has(name));
  return [
    ...states.values(),
    ...removed.map((stage) => ({ stage, state: "removed" as const, changes: [], isStored: false })),
  ];
}

function compareStage(
  stage: PipelineStage,
  { examined, sources }: StagesNow,
  locked: LockedStage | undefined,
  upstream: ReadonlyMap<string, ComparedStage>,
): ComparedStage {
  const found = examined.get(stage.name)!;
  const base = { stage: stage.name, isStored: found.state === "cached" };
  if (locked === undefined) return { ...base, state: "new", changes: [] };
  const known = [...sourceChanges(stage, sources), ...changesSince(locked, stage, found)];
  const hidden = [...keyChange(locked, found), ...resultChanges(locked, stage, found)];
  const changes = known.length > 0 ? known : hidden;
  if (changes.length > 0) return { ...base, state: "modified", changes };
  const isPending = Object.values(stage.inputs).some(({ stage: name }) =>
    ["modified", "new", "pending"].includes(upstream.get(name)?.state ?? ""),
  );
  // Where the inputs are known already, equal keys mean that nothing above made a difference.
  const isSettled = found.state === "cached" || found.state === "will-run";
  return { ...base, state: isPending && !isSettled ? "pending" : "unchanged", changes };
}

function sourceChanges(
  stage: PipelineStage,
  sources: readonly ComparedSource[],
): readonly Explanation[] {
  return stage.sources.flatMap((read) => {
    const { shown } = read;
    const source = sources.find(({ path }) => path === shown);
    if (source === undefined || source.state === "unchanged" || source.state === "new") return [];
    const which = source.files === undefined ? "" : ` (${source.files.join(", ")})`;
    const how = source.state === "unreadable" ? "cannot be read" : `changed${which}`;
    return [{ field: fieldOf(read), text: `${shown} ${how}` }];
  });
}

/** Compares like a recipe, but with the params as the lockfile has them: defaults filled in, paths as written. */
function changesSince(
  locked: LockedStage,
  stage: PipelineStage,
  found: Examined,
): readonly Explanation[] {
  const recipe = recipeIn(found);
  const outputs = {};
  const before: Recipe = {
    format: recipe?.format ?? 1,
    uses: locked.uses,
    version: locked.version,
    params: withLaterDefaults(locked, stage.kind),
    ...(locked.seed === undefined ? {} : { seed: locked.seed }),
    ...(recipe?.environment === undefined
      ? {}
      : { environment: sameFacts(locked.determinism, recipe.environment) }),
    inputs: locked.inputs,
    outputs,
  };
  const { kind } = stage;
  const after: Recipe = {
    ...before,
    uses: kind.kind,
    version: kind.version,
    params: stage.params,
    ...(kind.seeded ? { seed: stage.seed } : {}),
    ...(recipe?.environment === undefined ? {} : { environment: recipe.environment }),
    inputs: recipe?.inputs ?? locked.inputs,
  };
  return explainChange(stage, before, after);
}

/** What is left to say where no field explains another key: a later version of tunesmith may hash more. */
function keyChange(locked: LockedStage, found: Examined): readonly Explanation[] {
  const key = keyIn(found);
  if (key === undefined || key === locked.key) return [];
  return [{ field: "key", text: `key: ${locked.key.slice(0, 12)} -> ${key.slice(0, 12)}` }];
}

/** What the lockfile says of a result beside what the cache has for the same key: other bytes, or an edited lockfile. */
function resultChanges(
  locked: LockedStage,
  stage: PipelineStage,
  found: Examined,
): readonly Explanation[] {
  if (found.state !== "cached" || found.built.key !== locked.key) return [];
  const factsOf = ({ outputs, metrics, determinism }: LockedStage) => ({
    outputs,
    metrics,
    determinism,
  });
  return changesBetween(factsOf(locked), factsOf(lockStage(stage, found.built))).map(
    ({ path, from, to }) => ({
      field: path,
      text: `${path}: ${shortText(from)} -> ${shortText(to)}`,
    }),
  );
}

function shortText(value: Json | undefined): string {
  if (value === undefined) return "(absent)";
  return typeof value === "string"
    ? value.replace(/^sha256:(.{12}).*/, "$1")
    : JSON.stringify(value);
}

function recipeIn(found: Examined): Recipe | undefined {
  if (found.state === "cached") return found.built.recipe;
  return found.state === "will-run" ? found.recipe : undefined;
}

function keyIn(found: Examined): string | undefined {
  if (found.state === "cached") return found.built.key;
  return found.state === "will-run" ? found.key : undefined;
}

/** Of the locked machine facts, those that enter keys: a lockfile records more of the machine than that. */
function sameFacts(locked: LockedStage["determinism"], environment: Json): Json {
  if (locked === "exact") return {};
  return pick(locked, environment);
}

function pick(from: Json, like: Json): Json {
  if (!isMap(from) || !isMap(like)) return from;
  return Object.fromEntries(
    Object.entries(like).flatMap(([name, value]) =>
      Object.hasOwn(from, name) ? [[name, pick(from[name]!, value)]] : [],
    ),
  );
}

function isMap(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
