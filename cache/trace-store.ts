import { CacheError } from "./cache-error.ts";
import type { Digest } from "./digest.ts";

declare const brand: unique symbol;

/** What a stage's result depends on, hashed: 64 lower-case hex digits. */
export type TraceKey = string & { readonly [brand]: "TraceKey" };

/** Plain data that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json };

const traceKeyPattern = /^[0-9a-f]{64}$/;

/** Whether a value is a trace key, letter for letter. */
export function isTraceKey(value: unknown): value is TraceKey {
  return typeof value === "string" && traceKeyPattern.test(value);
}

/**
 * Reads a trace key; throws a CacheError (`trace-key-invalid`) for anything but 64 lower-case hex
 * digits.
 */
export function traceKeyFrom(text: string): TraceKey {
  if (isTraceKey(text)) return text;
  throw new CacheError(
    "trace-key-invalid",
    `${JSON.stringify(text.slice(0, 100))} is not a trace key.`,
    {
      hint: "A trace key is 64 hex digits in lower case.",
    },
  );
}

/**
 * What a stage once gave for a key: a constructive trace. Two traces of one key differ in their
 * outputs (the stage is not deterministic).
 */
export interface Trace {
  readonly key: TraceKey;
  /** The digest of each output port's tree. */
  readonly outputs: Readonly<Record<string, Digest>>;
  /** Numbers reported by the stage; NaN and infinities are kept. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Under what conditions it was made (determinism class and the like). */
  readonly facts: JsonObject;
  /** How long the stage ran. */
  readonly seconds: number;
  /** What was hashed into the key, so that a later run can name the first field that changed. */
  readonly recipe: JsonObject;
  /** When it was made, as an ISO 8601 UTC time. */
  readonly finishedAt: string;
}

/** What happened to one stage in a run. */
export interface StageRecord {
  readonly stage: string;
  /** As in the events: `executed`, `cached`, `failed`, `skipped`. */
  readonly state: string;
  /** The trace it used or made, where it got so far. */
  readonly key?: TraceKey;
  readonly seconds: number;
  readonly reason?: string;
  /** The path of its log, relative to the cache's `logs` folder. */
  readonly log?: string;
}

/** One run of a pipeline, written at its end. Losing it loses explanations, never results. */
export interface RunRecord {
  readonly id: string;
  /** The label of the pipeline file: its path relative to the project. */
  readonly pipeline: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly stages: readonly StageRecord[];
}

/** Traces by key, and the record of past runs. */
export interface TraceStore {
  /**
   * All traces of a key, newest first; none where the key was never built. Whether their blobs are
   * still there is another question.
   */
  find(key: TraceKey): readonly Trace[];
  /**
   * Keeps a trace; returns once it is on the disk. Its outputs' blobs must be in the store before.
   * Replaces the trace of equal key and outputs.
   */
  record(trace: Trace): Promise<void>;
  /** Drops the trace of this key and these outputs; does nothing where there is none. */
  forget(trace: Pick<Trace, "key" | "outputs">): Promise<void>;
  /**
   * The traces that a stage last used or made, newest first, each key once: for naming what changed
   * and for expected times.
   */
  recent(stage: {
    readonly pipeline: string;
    readonly stage: string;
    readonly limit?: number;
  }): readonly Trace[];
  /** Keeps the record of a finished run. */
  recordRun(run: RunRecord): void;
  /** The last runs, newest first, of one pipeline or of all. */
  lastRuns(filter?: { readonly pipeline?: string; readonly limit?: number }): readonly RunRecord[];
  close(): void;
}
