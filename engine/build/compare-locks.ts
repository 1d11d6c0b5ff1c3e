import type { LockedStage, Lockfile } from "../lockfile.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import { type Change, changesBetween } from "./changes.ts";
import { packagesOf } from "./lock-run.ts";

/** How far a metric may be from the locked one where the machine class differs: this share of it, or of 1 if that is more. */
export const METRIC_TOLERANCE = 0.03;

/**
 * What can be compared before anything runs: the stages' kinds, versions, params and seeds, and the sources. Where
 * only some of the pipeline's stages are to run, `locked` and `stages` hold only those.
 */
export function staticChanges(
  locked: Pick<Lockfile, "sources" | "stages">,
  stages: readonly PipelineStage[],
  sources: Lockfile["sources"],
): readonly Change[] {
  const kinds = new Map(stages.map(({ name, kind }) => [name, kind]));
  const now = {
    sources,
    stages: Object.fromEntries(
      stages.map(({ name, kind, params, seed }) => [
        name,
        {
          ...{ uses: kind.kind, version: kind.version, params },
          ...(kind.seeded ? { seed } : {}),
          ...packagesOf(kind),
        },
      ]),
    ),
  };
  const before = {
    sources: locked.sources,
    stages: Object.fromEntries(
      Object.entries(locked.stages).map(([name, stage]) => {
        const { uses, version, seed, packages } = stage;
        const params = withLaterDefaults(stage, kinds.get(name));
        const own = packages === undefined ? {} : { packages };
        return [name, { uses, version, params, ...(seed === undefined ? {} : { seed }), ...own }];
      }),
    ),
  };
  return changesBetween(before as unknown as Json, now as unknown as Json);
}

/**
 * Locked params with those that their kind has gained since, at their defaults: these keep the key, so a lockfile of an
 * earlier release still holds.
 */
export function withLaterDefaults(
  { params, uses }: LockedStage,
  kind: PipelineStage["kind"] | undefined,
): LockedStage["params"] {
  if (kind === undefined || kind.kind !== uses) return params;
  const properties = Object.entries(kind.params.properties as Record<string, { default?: Json }>);
  const defaults = properties.flatMap(([name, schema]) =>
    schema.default === undefined ? [] : [[name, schema.default] as const],
  );
  return { ...Object.fromEntries(defaults), ...params };
}

/** How a finished run differs from its lock. */
export interface Comparison {
  /** Differences that no machine class explains: the run did not reproduce. */
  readonly changes: readonly Change[];
  /** Stages whose bytes may differ because they, or what they read, were made on a machine of another class. */
  readonly otherClass: readonly string[];
}

/** The facts in which the class of machine differs from the one that a stage was locked on. */
export function classChanges(
  before: LockedStage["determinism"],
  after: LockedStage["determinism"],
): readonly Change[] {
  return changesBetween(before, after);
}

/** How strictly locks are compared. */
export interface CompareOptions {
  /** For metrics, where the machine class differs. @default METRIC_TOLERANCE */
  readonly tolerance?: number;
  /** Stages that are known to be of another class, so that what reads them is. */
  readonly otherClass?: readonly string[];
}

/** Compares byte for byte where the machine class is the locked one, and metrics within the tolerance where it is not. */
export function compareLocks(
  locked: Lockfile,
  now: Lockfile,
  stages: readonly PipelineStage[],
  { tolerance = METRIC_TOLERANCE, otherClass: known = [] }: CompareOptions = {},
): Comparison {
  const otherClass = new Set(known);
  const changes: Change[] = [];
  for (const { name, inputs, kind } of stages) {
    const [was, after] = [locked.stages[name], now.stages[name]];
    const before = was && { ...was, params: withLaterDefaults(was, kind) };
    const path = `stages.${name}`;
    if (before === undefined || after === undefined) {
      changes.push({ path, from: before as Json | undefined, to: after as Json | undefined });
      continue;
    }
    const isOther =
      classChanges(before.determinism, after.determinism).length > 0 ||
      Object.values(inputs).some(({ stage }) => otherClass.has(stage));
    if (isOther) otherClass.add(name);
    if (!isOther)
      changes.push(...changesBetween(before as unknown as Json, after as unknown as Json, path));
    else changes.push(...metricChanges(before, after, path, tolerance));
  }
  return { changes, otherClass: [...otherClass] };
}

function metricChanges(
  before: LockedStage,
  after: LockedStage,
  path: string,
  tolerance: number,
): readonly Change[] {
  return changesBetween(before.metrics, after.metrics, `${path}.metrics`).filter(
    ({ from, to }) =>
      typeof from !== "number" ||
      typeof to !== "number" ||
      Math.abs(from - to) > tolerance * Math.max(1, Math.abs(from)),
  );
}
