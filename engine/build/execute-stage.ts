import type { BlobStore } from "../../cache/blob-store.ts";
import { BlobCorrupt, BlobMissing, CacheError } from "../../cache/cache-error.ts";
import {
  type ArtifactReader,
  type ArtifactTree,
  type ArtifactType,
  type ArtifactWriter,
  anyArtifact,
} from "../artifact.ts";
import { isArtifactPath } from "../artifact-path.ts";
import { StageFailure } from "../diagnostic.ts";
import { secretsFrom } from "../secrets.ts";
import type { AnyStage, InputPorts, OutputPorts, Progress } from "../stage.ts";
import { explainThrown } from "./explain-thrown.ts";
import { guardBlobs } from "./guard-blobs.ts";
import type {
  CheckpointChange,
  HostFailure,
  HostRequest,
  HostResult,
  OwnRequest,
} from "./host-protocol.ts";
import { openCheckpoints } from "./open-checkpoints.ts";

/** Where a stage's words go while it runs. */
export interface StageSinks {
  readonly signal: AbortSignal;
  log(line: string): void;
  progress(progress: Progress): void;
  checkpoint?(change: CheckpointChange): void;
}

/** Runs one stage in this process: reads its inputs from the blob store and writes its outputs there. Never throws. */
export async function executeStage(
  kind: AnyStage,
  request: HostRequest,
  blobs: BlobStore,
  sinks: StageSinks,
): Promise<{ readonly result: HostResult } | { readonly failure: HostFailure }> {
  const metrics: Record<string, number> = {};
  const secrets = secretsFrom(request.secrets ?? [], process.env);
  try {
    const guarded = guardBlobs(blobs, secrets);
    const outputs = await kind.run({
      params: request.params,
      seed: request.seed,
      inputs: openInputs(kind.inputs, request.inputs, blobs),
      device: request.device,
      checkpoints: openCheckpoints(request.checkpoints ?? {}, guarded, (change) =>
        sinks.checkpoint?.(change),
      ),
      signal: sinks.signal,
      log: sinks.log,
      progress: sinks.progress,
      metric(name: string, value: number) {
        metrics[name] = finite(kind.kind, name, value);
      },
    });
    return { result: { outputs: await storeOutputs(kind.outputs, outputs, guarded), metrics } };
  } catch (error) {
    return { failure: failureOf(error, sinks, request.own) };
  }
}

function finite(kind: string, name: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new StageFailure({
    code: "non-finite-metric",
    message: `The metric "${name}" of a ${kind} stage is ${value}.`,
    hint: "a metric that is not a number usually means that training diverged: lower the learning rate",
  });
}

function failureOf(
  error: unknown,
  { signal, log }: StageSinks,
  own: OwnRequest | undefined,
): HostFailure {
  if (signal.aborted) {
    return {
      reason: "interrupted",
      problem: { code: "interrupted", message: "The stage was interrupted." },
    };
  }
  if (error instanceof StageFailure) return { reason: "error", problem: error.problem };
  if (error instanceof CacheError) {
    const { code, message, hint } = error;
    const isLost = error instanceof BlobMissing || error instanceof BlobCorrupt;
    return { reason: isLost ? "lost-input" : "error", problem: { code, message, hint } };
  }
  if (own !== undefined) return { reason: "error", problem: explainThrown(error, own, log) };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    reason: "crash",
    problem: {
      code: "stage-crashed",
      message: text,
      hint: "this is a bug in the stage: please report it with this text",
    },
  };
}

interface OpenInput {
  readonly files: ArtifactReader;
  read(): Promise<unknown>;
}

function openInputs(
  ports: InputPorts,
  trees: Readonly<Record<string, ArtifactTree>>,
  blobs: BlobStore,
): Record<string, OpenInput | undefined> {
  const inputs: Record<string, OpenInput | undefined> = {};
  for (const [port, tree] of Object.entries(trees)) {
    const { type } = ports[port] ?? { type: anyArtifact };
    const files = readTree(tree, blobs);
    const read = (): Promise<unknown> => type.read(files);
    inputs[port] = { files, read };
  }
  return inputs;
}

/** The files of a stored artifact, verified as they are read. */
export function readTree(tree: ArtifactTree, blobs: BlobStore): ArtifactReader {
  const digestAt = (path: string) => {
    const file = Object.hasOwn(tree.files, path) ? tree.files[path] : undefined;
    if (file === undefined)
      throw new Error(`internal: the ${tree.type} artifact has no file "${path}"`);
    return file.digest;
  };
  return {
    paths: Object.keys(tree.files).sort(),
    has: (path) => Object.hasOwn(tree.files, path),
    read: (path) => blobs.read(digestAt(path)),
    readText: async (path) =>
      new TextDecoder("utf-8", { fatal: true }).decode(await blobs.read(digestAt(path))),
    stream: (path) => blobs.get(digestAt(path)),
  };
}

async function storeOutputs(
  ports: OutputPorts,
  values: Readonly<Record<string, unknown>>,
  blobs: BlobStore,
): Promise<Record<string, ArtifactTree>> {
  const trees: Record<string, ArtifactTree> = {};
  for (const [port, { type }] of Object.entries(ports))
    trees[port] = await storeArtifact(type, values[port], blobs);
  return trees;
}

/** Writes a value's files to the blob store and returns their tree. */
export async function storeArtifact<T>(
  type: ArtifactType<T>,
  value: T,
  blobs: BlobStore,
): Promise<ArtifactTree> {
  const files: Record<string, ArtifactTree["files"][string]> = {};
  const writer: ArtifactWriter = {
    async write(path, content) {
      if (!isArtifactPath(path))
        throw new Error(`internal: "${path}" is no path inside an artifact`);
      if (Object.hasOwn(files, path)) throw new Error(`internal: "${path}" is written twice`);
      const counted = countBytes(content);
      const digest = await blobs.put(counted.bytes);
      files[path] = { digest, bytes: counted.count() };
    },
  };
  await type.write(value, writer);
  return { type: type.name, format: type.format, files };
}

function countBytes(content: Uint8Array | string | AsyncIterable<Uint8Array>) {
  if (typeof content === "string" || content instanceof Uint8Array) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    return { bytes, count: () => bytes.length };
  }
  let total = 0;
  async function* counting(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      total += chunk.length;
      yield chunk;
    }
  }
  return { bytes: counting(content), count: () => total };
}
