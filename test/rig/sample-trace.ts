import { type Digest, digestOf, hexOf } from "../../cache/digest.ts";
import type { Trace, TraceKey } from "../../cache/trace-store.ts";
import { traceKeyFrom } from "../../cache/trace-store.ts";

/** A trace key made from a word. */
export function keyOf(word: string): TraceKey {
  return traceKeyFrom(hexOf(digestOf(word)));
}

/** A whole trace; `word` decides its key. */
export function sampleTrace(word: string, changes: Partial<Trace> = {}): Trace {
  return {
    key: keyOf(word),
    outputs: { rows: digestOf(`rows of ${word}`), report: digestOf(`report of ${word}`) },
    metrics: { loss: 0.25, accuracy: 1 },
    facts: { device: "cpu", threads: 2 },
    seconds: 1.5,
    recipe: { kind: "clean", version: 1, params: { word } },
    finishedAt: "2026-01-02T03:04:05.678Z",
    ...changes,
  };
}

/** The bytes of a tree over files, as the engine writes them. */
export function treeBytes(
  files: Readonly<Record<string, { digest: Digest; bytes: number }>>,
): Buffer {
  return Buffer.from(JSON.stringify({ files, format: 1, type: "sample" }));
}
