import { join } from "node:path";
import { writeFileDurably } from "../../cache/durable-file.ts";
import type { FileSystem } from "../../cache/file-system.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import type { RemoteCache } from "../../cache/remote/remote-cache.ts";
import { lockRun } from "../../engine/build/lock-run.ts";
import { runPipeline } from "../../engine/build/run-pipeline.ts";
import { lockfileText } from "../../engine/lockfile.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { type AnyStage, defineStage } from "../../engine/stage.ts";
import { hostsInProcess, mixKind, pipelineOf, stageOf, textArtifact } from "./build-rig.ts";

const keep: AnyStage = defineStage({
  kind: "keep",
  version: 1,
  description: "Puts a text into the workspace.",
  params: {
    type: "object",
    properties: { to: { type: "string" } },
    required: ["to"],
    additionalProperties: false,
  },
  inputs: { text: { type: textArtifact, description: "A text." } },
  outputs: { text: { type: textArtifact, description: "The text." } },
  seeded: false,
  deterministic: true,
  environment: [],
  destination: "to",
  run: async ({ inputs }) => ({ text: `kept: ${await inputs.text.read()}` }),
});

/** A diamond of five stages that mix texts, one that reads them all, and one that puts the result into `out`. */
export function sevenStages(project: string, word: string, mix = mixKind(new Set())) {
  const reads = (names: readonly string[]) =>
    Object.fromEntries(names.map((stage, i) => ["abc"[i]!, { stage, port: "text" }]));
  const mixed = (name: string, ...inputs: readonly string[]): PipelineStage =>
    stageOf(mix, name, { word: `${word} ${name}`, keep: 9 }, reads(inputs));
  const destination = { absolute: join(project, "out"), shown: "out" };
  return [
    mixed("rows"),
    mixed("clean", "rows"),
    mixed("left", "clean"),
    mixed("right", "clean"),
    mixed("tokens", "left", "right"),
    mixed("train", "tokens", "clean"),
    stageOf(
      keep,
      "save",
      { to: "out" },
      { text: { stage: "train", port: "text" } },
      { destination },
    ),
  ];
}

/** What a run of the seven stages did. */
export interface SevenStagesRun {
  readonly executed: readonly string[];
  readonly cached: readonly string[];
  readonly failed: readonly string[];
  readonly notices: readonly string[];
  /** What went wrong with the remote cache. */
  readonly problems: readonly string[];
}

/** How the seven stages are run. */
export interface SevenStagesOptions {
  readonly project: string;
  readonly word?: string;
  readonly fileSystem?: FileSystem;
  /** @default a mix without waiting */
  readonly mix?: AnyStage;
  readonly jobs?: number;
  onNotice?(): void;
  /** A remote cache to fetch from and, where it has a key, to push to. */
  remoteOf?(cache: Cache, onProblem: (message: string) => void): RemoteCache;
}

/** Runs the seven stages over an open cache as the command does: builds, places the output, writes the lockfile. */
export async function buildSevenStages(
  cache: Cache,
  {
    project,
    word = "ash",
    mix = mixKind(new Set()),
    jobs = 1,
    onNotice = () => {},
    remoteOf,
  }: SevenStagesOptions,
): Promise<SevenStagesRun> {
  const notices: string[] = [];
  const problems: string[] = [];
  const remote = remoteOf?.(cache, (message) => problems.push(message));
  const pipeline = pipelineOf(sevenStages(project, word, mix), project);
  const { built, summary } = await runPipeline(pipeline, {
    cache,
    remote,
    hosts: hostsInProcess([mix, keep], cache.blobs),
    device: { kind: "cpu", threads: 1 },
    facts: {},
    classes: {},
    signal: new AbortController().signal,
    placedFolder: join(cache.folder.root, "placed"),
    targets: [],
    forced: new Set(),
    jobs,
    keepGoing: false,
    explain: () => ({}),
    emit: (event) => {
      if (event.type !== "notice") return;
      notices.push(event.code);
      onNotice();
    },
  });
  const { executed, cached, failed } = summary;
  if (failed.length === 0) {
    const text = lockfileText(lockRun(pipeline, built, undefined, "0.0.0"));
    const { fileSystem } = cache.folder;
    await writeFileDurably(join(project, "test.tune.lock.yaml"), text, { fileSystem });
  }
  await remote?.settle();
  return { executed, cached, failed, notices, problems };
}

/** Opens the project's cache, runs the seven stages, and closes it. */
export async function runSevenStages(options: SevenStagesOptions): Promise<SevenStagesRun> {
  const { project, fileSystem } = options;
  const cache = await openCache(join(project, ".tunesmith"), fileSystem ? { fileSystem } : {});
  try {
    return await buildSevenStages(cache, options);
  } finally {
    cache.close();
  }
}
