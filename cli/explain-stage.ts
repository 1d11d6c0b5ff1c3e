import { posix } from "node:path";
import type { Trace } from "../cache/trace-store.ts";
import type { Examined } from "../engine/build/examine-pipeline.ts";
import { type Explanation, explainChange } from "../engine/build/explain-change.ts";
import type { Recipe } from "../engine/build/recipe.ts";
import { canonicalJson } from "../engine/canonical-json.ts";
import type { LockedStage, Lockfile } from "../engine/lockfile.ts";
import { isFilePattern, splitPattern } from "../engine/pipeline/file-pattern.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import type { Json } from "../engine/stage.ts";
import { compareSources } from "./compare-sources.ts";
import type { ExaminedFile } from "./examine-file.ts";
import { readLock } from "./lock-file.ts";
import { formatCount } from "./text/format-quantity.ts";
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
  /** How long the stage takes, by its past runs. */
  readonly expectedSeconds?: number;
  /** How long it takes with all below it that ran before, if all of them run. */
  readonly expectedSecondsWithBelow?: number;
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
    /** The name of the stage that made it, where the stage has been renamed since or another one has the same recipe. */
    readonly madeAs?: string;
    /** Params that differ from the lockfile and do not decide the result, such as where it is put. */
    readonly ignored: readonly Explanation[];
    /** Params that have their default, written out or not: no part of the key. */
    readonly defaults: readonly string[];
    /** Stages directly above that ran in the last run and gave what they gave before. */
    readonly equalAgain: readonly string[];
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
    reason: reasonOf(view, stage, found),
    changes: "changes" in found ? found.changes : [],
    changedFiles: await changedFilesOf(view, stage),
    causes,
    downstream: pipeline.stages.map(({ name }) => name).filter((name) => below.has(name)),
    unaffected: unaffected.map(({ name }) => name),
    ...expectation(view, stage, below),
    ...(found.state === "cached" ? { result: await explainResult(view, stage, found) } : {}),
  };
}

function expectation({ examined }: ExaminedFile, { name }: PipelineStage, below: Iterable<string>) {
  const secondsOf = (of: string) => {
    const found = examined.get(of);
    return found !== undefined && "expectedSeconds" in found ? found.expectedSeconds : undefined;
  };
  const expectedSeconds = secondsOf(name);
  if (expectedSeconds === undefined) return {};
  const others = [...below].map(secondsOf).filter((seconds) => seconds !== undefined);
  if (others.length === 0) return { expectedSeconds };
  const expectedSecondsWithBelow = others.reduce((sum, seconds) => sum + seconds, expectedSeconds);
  return { expectedSeconds, expectedSecondsWithBelow };
}

/** A member of a matrix that never ran is not new altogether: others may have. */
function reasonOf({ pipeline }: ExaminedFile, { member }: PipelineStage, found: Examined): string {
  const reason = sayReason(found);
  if (found.state !== "will-run" || found.reason !== "new" || member === undefined) return reason;
  const others = pipeline.stages.filter((stage) => stage.member?.of === member.of).length - 1;
  return others === 0
    ? reason
    : `${reason}: a new member of the matrix, beside ${formatCount(others, "other")}`;
}

async function changedFilesOf(
  { pipeline, cache }: ExaminedFile,
  stage: PipelineStage,
): Promise<readonly string[]> {
  const lock = await lockOf(pipeline);
  if (lock === undefined) return [];
  const sources = await compareSources({ ...pipeline, stages: [stage] }, cache, lock);
  const own = new Set(stage.sources.map(({ shown }) => shown));
  return sources.flatMap(({ path, state, files }) => {
    if (!own.has(path) || state === "unchanged") return [];
    const folder = isFilePattern(path) ? splitPattern(path).base : path;
    return files === undefined ? [path] : files.map((name) => posix.join(folder, name));
  });
}

async function lockOf(pipeline: Pipeline): Promise<Lockfile | undefined> {
  const lock = await readLock(pipeline);
  return lock.ok ? lock.value : undefined;
}

async function explainResult(
  view: ExaminedFile,
  stage: PipelineStage,
  { built }: Examined & { readonly state: "cached" },
): Promise<NonNullable<StageExplanation["result"]>> {
  const { cache, label, pipeline } = view;
  const files = Object.values(built.outputs).flatMap(({ tree }) => Object.values(tree.files));
  const [trace] = cache.traces.find(built.key);
  const past = cache.traces.recent({ pipeline: label, stage: stage.name, limit: 2 });
  const madeAs = past.some(({ key }) => key === built.key) ? undefined : makerOf(view, built.key);
  return {
    key: built.key,
    finishedAt: trace!.finishedAt,
    seconds: built.seconds,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    changesBefore: changesBefore(stage, built.recipe, past),
    ...(madeAs === undefined ? {} : { madeAs }),
    ignored: ignoredChanges(stage, (await lockOf(pipeline))?.stages[madeAs ?? stage.name]),
    defaults: defaultsOf(stage),
    equalAgain: equalAgain(view, stage),
  };
}

/** The stage that used or made a result last, in whatever pipeline. */
function makerOf({ cache, label }: ExaminedFile, key: string): string | undefined {
  for (const run of cache.traces.lastRuns({ limit: 1000 })) {
    const maker = run.stages.find((record) => record.key === key)?.stage;
    if (maker !== undefined) return run.pipeline === label ? maker : `${run.pipeline} ${maker}`;
  }
  return undefined;
}

function ignoredChanges(
  { kind, params }: PipelineStage,
  locked: LockedStage | undefined,
): readonly Explanation[] {
  const names = [...(kind.notInKey ?? []), ...(kind.destination ? [kind.destination] : [])];
  return names.flatMap((name) => {
    const [from, to] = [locked?.params[name], params[name]];
    if (from === undefined || to === undefined || canonicalJson(from) === canonicalJson(to))
      return [];
    const field = `with.${name}`;
    return [
      { field, text: `${field}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`, from, to },
    ];
  });
}

function defaultsOf({ kind, params }: PipelineStage): readonly string[] {
  return Object.entries(kind.params.properties).flatMap(([name, property]) => {
    const { default: value } = property as { readonly default?: Json };
    const now = params[name];
    if (value === undefined || now === undefined) return [];
    return canonicalJson(value) === canonicalJson(now) ? [name] : [];
  });
}

function equalAgain({ cache, label }: ExaminedFile, stage: PipelineStage): readonly string[] {
  const [last] = cache.traces.lastRuns({ pipeline: label, limit: 1 });
  const stateOf = new Map(last?.stages.map((record) => [record.stage, record.state]));
  if (stateOf.get(stage.name) !== "cached") return [];
  const above = new Set(Object.values(stage.inputs).map((reference) => reference.stage));
  return [...above].filter((name) => stateOf.get(name) === "executed");
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
