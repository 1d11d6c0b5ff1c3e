import { BlobCorrupt, BlobMissing } from "../../cache/cache-error.ts";
import type { Digest } from "../../cache/digest.ts";
import type { Cache } from "../../cache/open-cache.ts";
import type { TraceKey } from "../../cache/trace-store.ts";
import { canonicalJson } from "../canonical-json.ts";
import type { LockedStage, Lockfile } from "../lockfile.ts";
import type { Pipeline, PipelineStage } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import { loadTree } from "./artifact-tree.ts";
import type { Change } from "./changes.ts";
import { classChanges, compareLocks } from "./compare-locks.ts";
import { lockRun } from "./lock-run.ts";
import { type RunOptions, runPipeline, selectStages } from "./run-pipeline.ts";

/** What became of one locked stage when it ran again. */
export interface VerifiedStage {
  readonly stage: string;
  /** `same-metrics`: made on a machine of another class, where bytes may differ and metrics may by the tolerance. */
  readonly state: "same-bytes" | "same-metrics" | "differs" | "not-run";
  /** Whether the locked outputs lie in the project's cache, every byte as it was. */
  readonly stored: "intact" | "missing" | "corrupt";
  /** What is not as it was locked: old value, new value. */
  readonly changes: readonly Change[];
  /** What the differences mean, in a sentence. */
  readonly verdict?: string;
  readonly seconds?: number;
}

/** Where stages run again: an empty cache, and all that a run takes. */
export interface VerifyOptions extends Omit<RunOptions, "targets" | "forced" | "keepGoing"> {
  /** Stages to verify; empty: all. What they read is taken from `stored` as it was locked, or made again. */
  readonly chosen: readonly string[];
  /** The project's cache. */
  readonly stored: Cache;
  /** How far a metric may be from the locked one on a machine of another class: this share of it. */
  readonly tolerance: number;
}

/** Runs locked stages again in an empty cache and compares them with the lockfile. */
export async function verifyLock(
  pipeline: Pipeline,
  lock: Lockfile,
  { chosen, stored, tolerance, ...options }: VerifyOptions,
): Promise<readonly VerifiedStage[]> {
  const { stages } = pipeline;
  const wanted = stages.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
  const isWanted = new Set(wanted.map(({ name }) => name));
  const states = new Map<string, VerifiedStage["stored"]>();
  for (const { name } of selectStages(stages, chosen)) {
    const locked = lock.stages[name];
    if (locked === undefined) continue;
    const state = await checkStored(Object.values(locked.outputs), stored);
    states.set(name, state);
    if (!isWanted.has(name) && state === "intact") await lend(locked, stored, options.cache);
  }
  const outcome = await runPipeline(pipeline, {
    ...options,
    targets: [...isWanted],
    forced: new Set(),
    keepGoing: true,
  });
  const now = lockRun(pipeline, outcome.built, undefined, lock.tunesmith);
  const judged: VerifiedStage[] = [];
  for (const stage of wanted) {
    const found = judge(stage, { lock, now, judged, tolerance, stored });
    const seconds = outcome.built.get(stage.name)?.seconds;
    const state = states.get(stage.name) ?? "missing";
    judged.push({ ...found, stored: state, ...(seconds === undefined ? {} : { seconds }) });
  }
  return judged;
}

/** Reads every byte of some artifacts. A corrupt blob is in quarantine afterwards. */
async function checkStored(
  artifacts: readonly Digest[],
  { blobs }: Cache,
): Promise<VerifiedStage["stored"]> {
  const states = new Set<VerifiedStage["stored"]>();
  for (const artifact of artifacts) {
    states.add(await blobs.verify(artifact));
    const tree = await loadTree(artifact, blobs);
    for (const { digest } of Object.values(tree?.files ?? {}))
      states.add(await blobs.verify(digest));
  }
  return states.has("corrupt") ? "corrupt" : states.has("missing") ? "missing" : "intact";
}

/** Gives the empty cache a locked result, so that what reads it can run without it being made again. */
async function lend(locked: LockedStage, from: Cache, to: Cache): Promise<void> {
  const { determinism, key, outputs, metrics } = locked;
  try {
    for (const artifact of Object.values(outputs)) {
      const tree = await loadTree(artifact, from.blobs);
      for (const { digest } of Object.values(tree?.files ?? {}))
        await to.blobs.put(from.blobs.get(digest));
      await to.blobs.put(from.blobs.get(artifact));
    }
  } catch (error) {
    // Lost since it was looked at: then it is made again.
    if (error instanceof BlobMissing || error instanceof BlobCorrupt) return;
    throw error;
  }
  const facts = determinism === "exact" ? {} : determinism;
  const record = { key: key as TraceKey, outputs, metrics, facts, recipe: {}, seconds: 0 };
  await to.traces.record({ ...record, finishedAt: new Date().toISOString() });
}

interface Judged {
  readonly lock: Lockfile;
  readonly now: Lockfile;
  /** The stages before. */
  readonly judged: readonly VerifiedStage[];
  readonly tolerance: number;
  readonly stored: Cache;
}

function judge(stage: PipelineStage, { lock, now, judged, tolerance, stored }: Judged) {
  const { name } = stage;
  const [before, after] = [lock.stages[name], now.stages[name]];
  if (before === undefined)
    return {
      stage: name,
      state: "differs",
      changes: [],
      verdict: "it is not in the lockfile",
    } as const;
  if (after === undefined) return { stage: name, state: "not-run", changes: [] } as const;
  const otherClass = judged.filter(({ state }) => state === "same-metrics").map((one) => one.stage);
  const compared = compareLocks(lock, now, [stage], { tolerance, otherClass });
  const changes = compared.changes.map(({ path, ...change }) => ({
    ...change,
    path: path.slice(`stages.${name}.`.length),
  }));
  if (changes.length === 0) {
    if (!compared.otherClass.includes(name))
      return { stage: name, state: "same-bytes", changes } as const;
    const verdict = sayOtherClass(before, after);
    return { stage: name, state: "same-metrics", changes, verdict } as const;
  }
  const reads = Object.values(stage.inputs).map((reference) => reference.stage);
  const cause = judged.find((one) => reads.includes(one.stage) && one.state === "differs")?.stage;
  const isOther = compared.otherClass.includes(name);
  const verdict =
    cause !== undefined
      ? `it reads "${cause}"`
      : isOther
        ? "its metrics are beyond the tolerance, on a machine of another class"
        : verdictOn(stage, before, after, stored);
  return { stage: name, state: "differs", changes, verdict } as const;
}

function sayOtherClass(before: LockedStage, after: LockedStage): string {
  const facts = classChanges(before.determinism, after.determinism);
  const shown = facts.map(
    ({ path, from = "(absent)", to = "(absent)" }) => `${path}: ${from} -> ${to}`,
  );
  return shown.length === 0
    ? "what it reads was made on a machine of another class"
    : `another class of machine: ${shown.join(", ")}`;
}

/** What other bytes than the locked ones mean. */
function verdictOn(
  { kind }: PipelineStage,
  before: LockedStage,
  after: LockedStage,
  { traces }: Cache,
): string {
  const isAsNow = ({ outputs, metrics }: Pick<LockedStage, "outputs" | "metrics">) =>
    isEqual(outputs, after.outputs) && isEqual(metrics, after.metrics);
  const isKnown = traces.find(after.key as TraceKey).some(isAsNow);
  if (isKnown) return "the lockfile was edited: when it ran it gave what it gives now";
  if (before.key !== after.key) return "its key is another: what decides its result has changed";
  return kind.deterministic
    ? "equal inputs gave other bytes: its code changed without a new version"
    : "equal inputs gave other bytes: this kind of stage is not deterministic";
}

function isEqual(a: object, b: object): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json);
}
