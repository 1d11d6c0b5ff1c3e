import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BlobStore } from "../../cache/blob-store.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import type { ArtifactType } from "../../engine/artifact.ts";
import { executeStage } from "../../engine/build/execute-stage.ts";
import type { Hosts } from "../../engine/build/host-pool.ts";
import { type RunOutcome, runPipeline } from "../../engine/build/run-pipeline.ts";
import type { Slots } from "../../engine/build/slot-pool.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { Event } from "../../engine/event.ts";
import type { Pipeline, PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { type AnyStage, defineStage, type Json } from "../../engine/stage.ts";
import { unsyncedFileSystem } from "./unsynced-file-system.ts";

/** A stored text, for tests of the engine. */
export const textArtifact: ArtifactType<string> = {
  name: "text",
  format: 1,
  write: (value, files) => files.write("text.txt", value),
  read: (files) => files.readText("text.txt"),
};

/** Params of the `mix` stage. */
export interface MixParams {
  readonly word: string;
  /** How many letters of its long output are kept: a small number makes equal outputs likely. */
  readonly keep: number;
}

const port = { type: textArtifact, description: "A text.", optional: true } as const;

/** What `mix` gives for its inputs: a pure function, so that a test can recompute it. */
export function mixed({ word, keep }: MixParams, inputs: readonly string[]): string {
  let sum = 7;
  for (const letter of [word, ...inputs].join("|"))
    sum = (sum * 31 + letter.charCodeAt(0)) % 2_147_483_647;
  return `${sum % 10 ** keep}`;
}

interface MixContext {
  readonly params: MixParams;
  readonly inputs: Readonly<Record<string, { read(): Promise<string> } | undefined>>;
}

/** A stage kind that joins up to three texts; words in `failing` make it fail. */
export function mixKind(failing: ReadonlySet<string>): AnyStage {
  return defineStage({
    kind: "mix",
    version: 1,
    description: "Joins texts.",
    params: {
      type: "object",
      properties: { word: { type: "string" }, keep: { type: "integer", default: 6 } },
      additionalProperties: false,
    },
    inputs: { a: port, b: port, c: port },
    outputs: { text: { type: textArtifact, description: "The joined text." } },
    seeded: false,
    deterministic: true,
    environment: [],
    async run({ params, inputs }: MixContext) {
      if (failing.has(params.word))
        throw new StageFailure({ code: "told-to", message: `failing on ${params.word}` });
      const texts: string[] = [];
      for (const name of ["a", "b", "c"])
        if (inputs[name] !== undefined) texts.push(await inputs[name].read());
      return { text: mixed(params, texts) };
    },
  });
}

/** A stage of a test pipeline. */
export function stageOf(
  kind: AnyStage,
  name: string,
  params: PipelineStage["params"],
  inputs: PipelineStage["inputs"] = {},
  more: Partial<PipelineStage> = {},
): PipelineStage {
  const base = { seed: 42, sources: [], cacheable: true, gates: [], resources: { gpu: 0 } };
  return { name, kind, params, inputs, ...base, range: { start: 0, end: 0 }, ...more };
}

/** A pipeline of these stages. */
export function pipelineOf(stages: readonly PipelineStage[], folder = "/nowhere"): Pipeline {
  const source = { path: "test.tune.yaml", text: "" };
  return {
    name: "test",
    source,
    path: join(folder, "test.tune.yaml"),
    folder,
    project: folder,
    stages,
  };
}

/** Hosts that run stages in this process. */
export function hostsInProcess(kinds: readonly AnyStage[], blobs: BlobStore): Hosts {
  return {
    run: async (request, listener, signal) => {
      const kind = kinds.find((one) => one.kind === request.kind)!;
      const outcome = await executeStage(kind, request, blobs, { ...listener, signal });
      return "result" in outcome ? { state: "done", ...outcome } : { state: "failed", ...outcome };
    },
  };
}

/** An engine over a temporary cache, with stages run in this process. */
export class BuildRig implements AsyncDisposable {
  readonly folder: string;
  readonly cache: Cache;
  readonly events: Event[] = [];

  private constructor(folder: string, cache: Cache) {
    this.folder = folder;
    this.cache = cache;
  }

  /** Syncing is left out: these tests are about what is built, not about power cuts. */
  static async create(): Promise<BuildRig> {
    const folder = await mkdtemp(join(tmpdir(), "tunesmith-build-"));
    return new BuildRig(
      folder,
      await openCache(join(folder, "cache"), { fileSystem: unsyncedFileSystem }),
    );
  }

  hosts(kinds: readonly AnyStage[]): Hosts {
    return hostsInProcess(kinds, this.cache.blobs);
  }

  async run(
    stages: readonly PipelineStage[],
    options: {
      jobs?: number;
      keepGoing?: boolean;
      targets?: readonly string[];
      forced?: readonly string[];
      signal?: AbortSignal;
      hosts?: Hosts;
      slots?: Slots;
      facts?: Readonly<Record<string, Json>>;
    } = {},
  ): Promise<RunOutcome> {
    this.events.length = 0;
    return runPipeline(pipelineOf(stages, this.folder), {
      cache: this.cache,
      hosts: options.hosts ?? this.hosts([...new Set(stages.map(({ kind }) => kind))]),
      device: { kind: "cpu", threads: 1 },
      facts: options.facts ?? {},
      classes: options.facts ?? {},
      signal: options.signal ?? new AbortController().signal,
      placedFolder: join(this.folder, "placed"),
      targets: options.targets ?? [],
      forced: new Set(options.forced),
      jobs: options.jobs ?? 1,
      ...(options.slots && { slots: options.slots }),
      keepGoing: options.keepGoing ?? false,
      explain: () => ({}),
      emit: (event) => this.events.push(event),
    });
  }

  /** The text that a stage's output holds. */
  async text(outcome: RunOutcome, stage: string): Promise<string> {
    const file = outcome.built.get(stage)!.outputs.text!.tree.files["text.txt"]!;
    return new TextDecoder().decode(await this.cache.blobs.read(file.digest));
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cache.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
