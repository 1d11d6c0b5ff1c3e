import { join } from "node:path";
import type { Cache } from "../cache/open-cache.ts";
import type { ArtifactTree } from "../engine/artifact.ts";
import { loadOutputs, type StoredArtifact } from "../engine/build/artifact-tree.ts";
import { readTree } from "../engine/build/execute-stage.ts";
import type { Recipe } from "../engine/build/recipe.ts";
import type { PipelineStage, Reference } from "../engine/pipeline/pipeline.ts";
import type { Json } from "../engine/stage.ts";
import type { Metrics } from "../stages/artifacts/metrics.ts";
import type { ExaminedFile } from "./examine-file.ts";
import { type StateWords, sayReason, sayState } from "./text/say-examined.ts";

/** One output of a stage as it lies in the cache. */
export interface DescribedOutput {
  readonly port: string;
  readonly type: string;
  readonly digest: string;
  readonly bytes: number;
  readonly files: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly digest: string;
  }[];
}

/** How well a classifier did: the `report.json` of an evaluation. */
export type Evaluation = Metrics["report"];

/** A stage and its last result; `show STAGE --json` prints it as it is. */
export interface DescribedStage {
  readonly type: "show";
  readonly stage: string;
  readonly kind: string;
  readonly state: StateWords;
  /** Why the state is not `cached`. */
  readonly reason: string;
  readonly seed?: number;
  /** As the pipeline file has them, defaults filled in. */
  readonly params: Readonly<Record<string, Json>>;
  /** By port: what is read, and its digest where there is a result. */
  readonly inputs: Readonly<Record<string, Reference & { readonly digest?: string }>>;
  /** The last result, which belongs to older params where the state is not `cached`. */
  readonly result?: {
    readonly key: string;
    /** ISO 8601, UTC. */
    readonly finishedAt: string;
    readonly seconds: number;
    readonly metrics: Readonly<Record<string, number>>;
    /** None where its files are gone from the cache. */
    readonly outputs: readonly DescribedOutput[];
    readonly report?: Json;
    readonly evaluation?: Evaluation;
  };
  /** Path of the log of the last execution that said something. */
  readonly log?: string;
}

/** Describes a stage by the pipeline file and its last result. */
export async function describeStage(
  view: ExaminedFile,
  stage: PipelineStage,
): Promise<DescribedStage> {
  const found = view.examined.get(stage.name)!;
  const result = await resultOf(view, stage);
  const digests = result?.inputs ?? {};
  const inputs = Object.entries(stage.inputs).map(([port, reference]) => {
    const digest = digests[port];
    return [port, { ...reference, ...(digest === undefined ? {} : { digest }) }] as const;
  });
  const log = lastLogOf(view, stage.name);
  return {
    type: "show",
    stage: stage.name,
    kind: stage.kind.kind,
    state: sayState(found),
    reason: sayReason(found),
    ...(stage.kind.seeded ? { seed: stage.seed } : {}),
    params: stage.params,
    inputs: Object.fromEntries(inputs),
    ...(result === undefined ? {} : { result: result.described }),
    ...(log === undefined ? {} : { log }),
  };
}

/** The path of the log of a stage's last execution that said something. */
export function lastLogOf({ cache, label }: ExaminedFile, stage: string): string | undefined {
  for (const run of cache.traces.lastRuns({ pipeline: label, limit: 1000 })) {
    const log = run.stages.find((record) => record.stage === stage)?.log;
    if (log !== undefined) return join(cache.folder.logs, log);
  }
  return undefined;
}

/** The result that is up to date, else the one used last. */
async function resultOf({ examined, cache, label }: ExaminedFile, stage: PipelineStage) {
  const found = examined.get(stage.name)!;
  const traces =
    found.state === "cached"
      ? cache.traces.find(found.built.key)
      : cache.traces.recent({ pipeline: label, stage: stage.name, limit: 1 });
  const [trace] = traces;
  if (trace === undefined) return undefined;
  const stored =
    found.state === "cached"
      ? found.built.outputs
      : ((await loadOutputs(trace.outputs, cache)) ?? {});
  const { key, finishedAt, seconds, metrics } = trace;
  const outputs = Object.entries(stored).map(describeOutput);
  const said = await readReports(stored, cache);
  const { inputs } = trace.recipe as unknown as Recipe;
  return { inputs, described: { key, finishedAt, seconds, metrics, outputs, ...said } };
}

function describeOutput([port, { digest, tree }]: readonly [
  string,
  StoredArtifact,
]): DescribedOutput {
  const files = Object.entries(tree.files)
    .map(([path, file]) => ({ path, ...file }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { port, type: tree.type, digest, bytes, files };
}

/** The report for people of the outputs that have one. */
async function readReports(
  outputs: Readonly<Record<string, StoredArtifact>>,
  cache: Cache,
): Promise<{ report?: Json; evaluation?: Evaluation }> {
  const trees = Object.values(outputs).map(({ tree }) => tree);
  const report = trees.find(({ type }) => type === "report");
  const metrics = trees.find(({ type }) => type === "metrics");
  return {
    ...(report && { report: (await readReport(report, cache)) as Json }),
    ...(metrics && { evaluation: (await readReport(metrics, cache)) as Evaluation }),
  };
}

/** Verified bytes that our own stage wrote: they are what its artifact type says. */
async function readReport(tree: ArtifactTree, { blobs }: Cache): Promise<unknown> {
  return JSON.parse(await readTree(tree, blobs).readText("report.json"));
}
