import type { Digest } from "../../cache/digest.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { Trace, TraceKey } from "../../cache/trace-store.ts";
import type { Problem } from "../diagnostic.ts";
import type { Pipeline, PipelineStage } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import { loadOutputs, type StoredArtifact } from "./artifact-tree.ts";
import type { Built } from "./built.ts";
import { type Explanation, explainChange } from "./explain-change.ts";
import { unmetGate } from "./gates.ts";
import { gatherInputs, selectInput } from "./gather-inputs.ts";
import { type Ingredients, type Recipe, recipeOf, traceKeyOf } from "./recipe.ts";
import { digestSource, type SourceDigest } from "./source-digests.ts";
import { countLines } from "./source-lines.ts";

/** What would happen to a stage if the pipeline ran now. Nothing is executed to find out. */
export type Examined =
  | { readonly state: "cached"; readonly built: Built; readonly unmetGate?: Problem }
  | {
      readonly state: "will-run";
      readonly key: TraceKey;
      readonly recipe: Recipe;
      /** Why: the fields that changed since the last run, or that it never ran, or that its bytes are gone. */
      readonly reason: "new" | "changed" | "blob-missing" | "not-cacheable";
      readonly changes: readonly Explanation[];
      readonly expectedSeconds?: number;
    }
  | {
      readonly state: "pending";
      /** Stages directly above that may give another output. */
      readonly upstream: readonly string[];
      /** What changed of the stage itself since its last run: where there is any, it will run whatever they give. */
      readonly changes: readonly Explanation[];
      readonly expectedSeconds?: number;
    }
  | { readonly state: "broken"; readonly problem: Problem };

/** What the examination looks at. */
export interface ExamineOptions {
  readonly cache: Cache;
  readonly facts: Readonly<Record<string, Json>>;
  /** Label of the pipeline in the records of past runs. */
  readonly label: string;
}

/** Looks at each stage in topological order. A stage below one that will run is pending: its input may turn out equal. */
export async function examinePipeline(
  pipeline: Pipeline,
  options: ExamineOptions,
): Promise<ReadonlyMap<string, Examined>> {
  const examined = new Map<string, Examined>();
  for (const stage of pipeline.stages)
    examined.set(stage.name, await examineStage(stage, examined, options));
  return examined;
}

async function examineStage(
  stage: PipelineStage,
  upstream: ReadonlyMap<string, Examined>,
  options: ExamineOptions,
): Promise<Examined> {
  const inputs: Record<string, Digest> = {};
  const waiting = new Set<string>();
  for (const [port, reference] of Object.entries(stage.inputs)) {
    const source = upstream.get(reference.stage)!;
    if (source.state === "cached") inputs[port] = selectInput(source.built, reference).digest;
    else waiting.add(reference.stage);
  }
  const past = options.cache.traces.recent({
    pipeline: options.label,
    stage: stage.name,
    limit: 5,
  });
  const sources: SourceDigest[] = [];
  for (const source of stage.sources) {
    const digested = await digestSource(source, options.cache.files);
    if ("problem" in digested) return { state: "broken", problem: digested.problem };
    sources.push(digested);
  }
  const digests = sources.map(({ digest }) => digest);
  const ingredients = { inputs, sources: digests, facts: options.facts };
  if (waiting.size === 0) {
    const gathered = gatherInputs(stage, (name) => builtOf(upstream.get(name)!));
    if ("problem" in gathered) return { state: "broken", problem: gathered.problem };
    const recipe = recipeOf(stage, { ...ingredients, inputs: gathered.inputs });
    return judge(stage, recipe, sources, past, options);
  }
  const changes = await countLines(ownChanges(stage, ingredients, past[0]), stage, options.cache);
  return { state: "pending", upstream: [...waiting], changes, ...expectation(past) };
}

function builtOf(examined: Examined): Built {
  if (examined.state === "cached") return examined.built;
  throw new Error("internal: a stage is looked at before those above it are up to date");
}

/** What changed since a trace, inputs that are not known yet taken as unchanged. */
function ownChanges(
  stage: PipelineStage,
  known: Ingredients,
  past: Trace | undefined,
): readonly Explanation[] {
  // Of a stage that chooses, the recipe holds only what was chosen: nothing can be said before.
  if (past === undefined || stage.kind.choose !== undefined) return [];
  const before = past.recipe as unknown as Recipe;
  const inputs = Object.keys(stage.inputs).flatMap((port) => {
    const digest = known.inputs[port] ?? before.inputs[port];
    return digest === undefined ? [] : [[port, digest] as const];
  });
  const after = recipeOf(stage, { ...known, inputs: Object.fromEntries(inputs) });
  return explainChange(stage, before, after);
}

async function judge(
  stage: PipelineStage,
  recipe: Recipe,
  sources: readonly SourceDigest[],
  past: readonly Trace[],
  { cache }: ExamineOptions,
): Promise<Examined> {
  const key = traceKeyOf(recipe);
  const willRun = { state: "will-run", key, recipe, ...expectation(past) } as const;
  if (!stage.cacheable) return { ...willRun, reason: "not-cacheable", changes: [] };
  const traces = cache.traces.find(key);
  for (const trace of traces) {
    const outputs = await loadOutputs(trace.outputs, cache);
    if (outputs !== undefined) return cachedStage(stage, trace, recipe, sources, outputs);
  }
  if (traces.length > 0) return { ...willRun, reason: "blob-missing", changes: [] };
  const previous = past[0]?.recipe as unknown as Recipe | undefined;
  if (previous === undefined) return { ...willRun, reason: "new", changes: [] };
  const changes = await countLines(explainChange(stage, previous, recipe), stage, cache);
  return { ...willRun, reason: "changed", changes };
}

function cachedStage(
  stage: PipelineStage,
  trace: Trace,
  recipe: Recipe,
  sources: readonly SourceDigest[],
  outputs: Readonly<Record<string, StoredArtifact>>,
): Examined {
  const { key, metrics, seconds, facts } = trace;
  const built: Built = { key, recipe, outputs, metrics, seconds, sources, facts, state: "cached" };
  const problem = unmetGate(stage, metrics);
  return { state: "cached", built, ...(problem === undefined ? {} : { unmetGate: problem }) };
}

/** The median time of past runs. */
function expectation(past: readonly Trace[]): { readonly expectedSeconds?: number } {
  const seconds = past.map((trace) => trace.seconds).sort((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)];
  return median === undefined ? {} : { expectedSeconds: median };
}
