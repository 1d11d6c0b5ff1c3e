import { hexOf } from "../../cache/digest.ts";
import type { LockedSource, LockedStage, Lockfile } from "../lockfile.ts";
import type { Pipeline, PipelineStage } from "../pipeline/pipeline.ts";
import type { Json } from "../stage.ts";
import type { Built } from "./built.ts";
import type { SourceDigest } from "./source-digests.ts";

/**
 * The lockfile after a run: stages that were brought up to date get their new entry, stages of the pipeline that were
 * not part of the run keep theirs, stages that are gone leave.
 */
export function lockRun(
  pipeline: Pipeline,
  built: ReadonlyMap<string, Built>,
  previous: Lockfile | undefined,
  version: string,
): Lockfile {
  const stages: Record<string, LockedStage> = {};
  const sources: Record<string, LockedSource> = {};
  for (const stage of pipeline.stages) {
    const result = built.get(stage.name);
    const entry = result === undefined ? previous?.stages[stage.name] : lockStage(stage, result);
    if (entry !== undefined) stages[stage.name] = entry;
    for (const [index, { shown }] of stage.sources.entries()) {
      const source =
        result === undefined ? previous?.sources[shown] : lockSource(result.sources[index]!);
      if (source !== undefined) sources[shown] = mergeSource(sources[shown], source);
    }
  }
  return { lockfile_version: 1, tunesmith: version, pipeline: pipeline.name, sources, stages };
}

/** The entry of one stage. */
export function lockStage(stage: PipelineStage, built: Built): LockedStage {
  const outputs = Object.entries(built.outputs).map(
    ([port, { digest }]) => [port, digest] as const,
  );
  const { environment, seeded, kind, version } = stage.kind;
  return {
    uses: kind,
    version,
    params: stage.params as { readonly [key: string]: Json },
    ...(seeded ? { seed: stage.seed } : {}),
    key: built.key,
    inputs: built.recipe.inputs,
    outputs: Object.fromEntries(outputs),
    determinism:
      environment.length === 0 ? "exact" : (built.facts as { readonly [fact: string]: Json }),
    metrics: built.metrics,
    ...packagesOf(stage.kind),
  };
}

/** What a user's own stage needs to be installed, where it does. */
export function packagesOf({ code }: PipelineStage["kind"]): Pick<LockedStage, "packages"> {
  const packages: LockedStage["packages"] = code?.packages ?? {};
  return Object.keys(packages).length > 0 ? { packages } : {};
}

/** The entry of one source. */
export function lockSource({ digest, bytes, files }: SourceDigest): LockedSource {
  const names =
    files && Object.fromEntries(Object.entries(files).map(([name, of]) => [name, hexOf(of)]));
  return { sha256: hexOf(digest), bytes, ...(names ? { files: names } : {}) };
}

/** Two stages may read different files of one folder: the lock names all of them. */
export function mergeSource(a: LockedSource | undefined, b: LockedSource): LockedSource {
  if (a?.files === undefined || b.files === undefined) return b;
  return {
    ...(Object.keys(a.files).length > Object.keys(b.files).length ? a : b),
    files: { ...a.files, ...b.files },
  };
}
