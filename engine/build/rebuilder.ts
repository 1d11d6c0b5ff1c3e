import type { Cache } from "../../cache/open-cache.ts";
import type { RemoteCache } from "../../cache/remote/remote-cache.ts";
import type { Trace, TraceKey } from "../../cache/trace-store.ts";
import type { ArtifactTree } from "../artifact.ts";
import type { Problem } from "../diagnostic.ts";
import type { Event, StageReason } from "../event.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { DeviceRequest, Json } from "../stage.ts";
import { loadOutputs, putTree, type StoredArtifact } from "./artifact-tree.ts";
import { buildOnce, waitNotice } from "./build-once.ts";
import type { Built } from "./built.ts";
import { unmetGate } from "./gates.ts";
import { gatherInputs } from "./gather-inputs.ts";
import type { Hosts } from "./host-pool.ts";
import { keepCheckpoints } from "./keep-checkpoints.ts";
import { type Recipe, recipeOf, traceKeyOf } from "./recipe.ts";
import { requestOf, runAttempts } from "./run-attempts.ts";
import type { Rebuilder } from "./scheduler.ts";
import { withShownPaths } from "./shown-paths.ts";
import type { Granted } from "./slot-pool.ts";
import { digestSource, type SourceDigest } from "./source-digests.ts";

/** What the rebuilder works with. */
export interface RebuilderOptions {
  readonly cache: Cache;
  /** Where results of other machines are, and results of this one may be put. */
  readonly remote?: RemoteCache | undefined;
  readonly hosts: Hosts;
  readonly device: DeviceRequest;
  /** Facts that enter keys, by name. */
  readonly facts: Readonly<Record<string, Json>>;
  /** Facts that are recorded, by the same names. */
  readonly classes: Readonly<Record<string, Json>>;
  readonly signal: AbortSignal;
  isForced(stage: PipelineStage): boolean;
  /** What is known of past runs of the stage: a sentence on what changed, and the time it took. */
  explain(
    stage: PipelineStage,
    recipe: Recipe,
  ): { readonly why?: string; readonly expectedSeconds?: number };
  emit(event: Event): void;
  onLostInput(stage: PipelineStage): void;
}

/**
 * Constructive traces ("Build systems à la carte", section 4.2.3): a trace maps the digests of a stage's direct inputs
 * to its outputs, so that equal inputs are never worked on twice and a stage below an unchanged output never runs.
 */
export function createRebuilder(options: RebuilderOptions): Rebuilder<Built> {
  return async (stage, upstream, { slot, stopping }) => {
    const started = performance.now();
    const attempt = await prepare(stage, upstream, options);
    if ("problem" in attempt) return fail(options, stage, "error", attempt.problem, started);
    const first = await reuse(stage, attempt, options);
    if (first.built !== undefined) return serve(options, stage, first.built, started);
    if (first.reason === "forced" || first.reason === "not-cacheable")
      return slot((granted) => execute(stage, { ...attempt, granted }, first.reason, options));
    return buildOnce<Outcome>(attempt.key, {
      claims: options.cache.claims,
      stopping,
      slot,
      find: async () => {
        const built = await findAgain(stage, attempt, options);
        return built && { built: serve(options, stage, built, started) };
      },
      build: async (granted) => {
        const built = await execute(stage, { ...attempt, granted }, first.reason, options);
        return built && { built };
      },
      onWait: (holder) => options.emit(waitNotice(stage.name, holder)),
    }).then((outcome) => outcome?.built);
  };
}

/** What others have made of a key by now, here or, if there is a remote cache, elsewhere. */
async function findAgain(stage: PipelineStage, attempt: Attempt, options: RebuilderOptions) {
  const { built } = await reuse(stage, attempt, options);
  const ports = Object.keys(stage.kind.outputs);
  if (built !== undefined || !(await options.remote?.fetch(attempt.key, ports))) return built;
  return (await reuse(stage, attempt, options)).built;
}

/** A stage's result, or `undefined` in it for a cached one that does not meet its gates. */
interface Outcome {
  readonly built: Built | undefined;
}

function serve(options: RebuilderOptions, stage: PipelineStage, built: Built, started: number) {
  const { key, metrics } = built;
  const seconds = secondsSince(started);
  const { name } = stage;
  const reason = "up-to-date";
  options.emit({ type: "stage", stage: name, state: "cached", key, seconds, reason, metrics });
  return checkGates(options, stage, built, started);
}

interface Attempt {
  readonly recipe: Recipe;
  readonly key: TraceKey;
  readonly trees: Readonly<Record<string, ArtifactTree>>;
  readonly sources: readonly SourceDigest[];
}

async function prepare(
  stage: PipelineStage,
  upstream: ReadonlyMap<string, Built>,
  { cache, facts, emit }: RebuilderOptions,
): Promise<Attempt | { readonly problem: Problem }> {
  const gathered = gatherInputs(stage, (name) => upstream.get(name)!);
  if ("problem" in gathered) return gathered;
  const { inputs, trees, chosen } = gathered;
  if (chosen !== undefined) {
    const message = `"${stage.name}" is ${chosen}.`;
    emit({ type: "notice", code: "chosen", stage: stage.name, message });
  }
  const sources: SourceDigest[] = [];
  for (const source of stage.sources) {
    const digested = await digestSource(source, cache.files);
    if ("problem" in digested) return digested;
    sources.push(digested);
  }
  const recipe = recipeOf(stage, { inputs, sources: sources.map(({ digest }) => digest), facts });
  return { recipe, key: traceKeyOf(recipe), trees, sources };
}

async function reuse(
  stage: PipelineStage,
  attempt: Attempt,
  { cache, isForced }: RebuilderOptions,
): Promise<{ built?: Built; reason: StageReason }> {
  if (isForced(stage)) return { reason: "forced" };
  if (!stage.cacheable) return { reason: "not-cacheable" };
  const traces = cache.leases.inUse(attempt.key, () => cache.traces.find(attempt.key));
  for (const trace of traces) {
    const outputs = await loadOutputs(trace.outputs, cache);
    if (outputs !== undefined)
      return { built: builtFrom(attempt, trace, outputs), reason: "up-to-date" };
  }
  return { reason: traces.length > 0 ? "blob-missing" : "new" };
}

function builtFrom(
  { key, recipe, sources }: Attempt,
  trace: Trace,
  outputs: Built["outputs"],
): Built {
  const { metrics, seconds, facts } = trace;
  return { key, recipe, sources, outputs, metrics, seconds, facts, state: "cached" };
}

async function execute(
  stage: PipelineStage,
  attempt: Attempt & { readonly granted: Granted },
  reason: StageReason,
  options: RebuilderOptions,
): Promise<Built | undefined> {
  const { emit } = options;
  const started = performance.now();
  const known = options.explain(stage, attempt.recipe);
  emit({ type: "stage", stage: stage.name, state: "started", key: attempt.key, reason, ...known });
  const hosts =
    reason === "forced" ? options.hosts : keepCheckpoints(stage, attempt.recipe, options);
  const outcome = await runAttempts(stage, requestOf(stage, attempt.trees), attempt.granted, {
    ...options,
    hosts,
  });
  if (outcome.state === "failed") {
    const { reason: how, problem } = outcome.failure;
    if (how === "lost-input") options.onLostInput(stage);
    return fail(
      options,
      stage,
      how === "lost-input" ? "blob-missing" : how,
      withShownPaths(problem, stage),
      started,
      attempt.key,
    );
  }
  const seconds = secondsSince(started);
  const built = await publish(stage, attempt, outcome.result, seconds, options);
  const { key, metrics } = built;
  emit({ type: "stage", stage: stage.name, state: "executed", key, seconds, reason, metrics });
  return checkGates(options, stage, built, started);
}

/** Publishes blobs first, then the trace; a result whose sources changed meanwhile is used but not recorded. */
async function publish(
  stage: PipelineStage,
  { key, recipe, sources }: Attempt,
  result: {
    readonly outputs: Readonly<Record<string, ArtifactTree>>;
    readonly metrics: Readonly<Record<string, number>>;
  },
  seconds: number,
  options: RebuilderOptions,
): Promise<Built> {
  const { cache, emit, classes } = options;
  const outputs: Record<string, StoredArtifact> = {};
  for (const [port, tree] of Object.entries(result.outputs))
    outputs[port] = { tree, digest: await putTree(tree, cache.blobs) };
  const facts = Object.fromEntries(
    stage.kind.environment.map((name) => [name, classes[name] ?? null]),
  );
  const built: Built = {
    key,
    recipe,
    sources,
    outputs,
    metrics: result.metrics,
    seconds,
    facts,
    state: "executed",
  };
  const changed = await changedSource(stage, sources, options);
  if (changed !== undefined) {
    const message = `${changed} changed while "${stage.name}" ran: the result is used, but not recorded.`;
    emit({ type: "notice", code: "source-changed", stage: stage.name, message });
    return built;
  }
  const digests = Object.fromEntries(
    Object.entries(outputs).map(([port, { digest }]) => [port, digest]),
  );
  const finishedAt = new Date().toISOString();
  const record = { key, outputs: digests, metrics: result.metrics, facts, seconds, finishedAt };
  const trace = { ...record, recipe: recipe as unknown as { readonly [key: string]: Json } };
  await cache.traces.record(trace);
  options.remote?.pushLater(trace);
  return built;
}

async function changedSource(
  stage: PipelineStage,
  before: readonly SourceDigest[],
  options: RebuilderOptions,
) {
  for (const [index, source] of stage.sources.entries()) {
    const now = await digestSource(source, options.cache.files);
    if ("problem" in now || now.digest !== before[index]!.digest) return source.shown;
  }
  return undefined;
}

function checkGates(
  options: RebuilderOptions,
  stage: PipelineStage,
  built: Built,
  started: number,
) {
  const problem = unmetGate(stage, built.metrics);
  return problem === undefined ? built : fail(options, stage, "gate", problem, started, built.key);
}

function fail(
  { emit }: RebuilderOptions,
  stage: PipelineStage,
  reason: StageReason,
  problem: Problem,
  started: number,
  key?: TraceKey,
): undefined {
  const seconds = secondsSince(started);
  emit({
    type: "stage",
    stage: stage.name,
    state: "failed",
    seconds,
    reason,
    problem,
    ...(key ? { key } : {}),
  });
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
