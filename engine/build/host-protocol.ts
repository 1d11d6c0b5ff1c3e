import type { ArtifactTree } from "../artifact.ts";
import type { Problem } from "../diagnostic.ts";
import type { DeviceRequest, Json, Progress, StageCode } from "../stage.ts";

/** "Run this one stage": all that a host needs to know. The same request is what a cluster executor would submit. */
export interface HostRequest {
  readonly kind: string;
  readonly params: Json;
  readonly seed: number;
  /** Inputs by port, narrowed to the parts the stage reads. */
  readonly inputs: Readonly<Record<string, ArtifactTree>>;
  readonly device: DeviceRequest;
  /** What the stage could go on from, by name. */
  readonly checkpoints?: Readonly<Record<string, ArtifactTree>>;
  /** Names of environment variables whose values must not be in any output. */
  readonly secrets?: readonly string[];
  /** Of a user's own stage: where its code lies. */
  readonly own?: OwnRequest;
}

/** A user's own stage, for a host to load. */
export interface OwnRequest {
  /** Absolute path of its file. */
  readonly path: string;
  readonly code: StageCode;
}

/** A checkpoint that a running stage has put into the blob store (`tree`), or no longer needs. */
export interface CheckpointChange {
  readonly name: string;
  readonly tree?: ArtifactTree;
}

/** What the engine tells a host. */
export type ToHost =
  | { readonly type: "run"; readonly request: HostRequest }
  | { readonly type: "abort" };

/** What a host tells the engine; `done` and `failed` end a request. */
export type FromHost =
  | { readonly type: "ready" }
  | { readonly type: "log"; readonly line: string }
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "checkpoint"; readonly change: CheckpointChange }
  | { readonly type: "done"; readonly result: HostResult }
  | { readonly type: "failed"; readonly failure: HostFailure };

/** A finished stage: its outputs lie in the blob store. */
export interface HostResult {
  readonly outputs: Readonly<Record<string, ArtifactTree>>;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Why a stage has no result. `lost-input`: a blob it reads is missing or corrupt, its producer must run again. */
export interface HostFailure {
  readonly reason: "error" | "crash" | "interrupted" | "lost-input";
  readonly problem: Problem;
}
