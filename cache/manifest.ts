import { type Digest, digestOf, hexOf, isDigest } from "./digest.ts";
import { seal, unseal } from "./sealed-json.ts";
import { isTraceKey, type Json, type JsonObject, type Trace } from "./trace-store.ts";

const format = 1;

/** The text of a trace's manifest: one sealed line of JSON. */
export function manifestOf(trace: Trace): string {
  const metrics = Object.entries(trace.metrics).map(([name, value]) => [name, numberText(value)]);
  return seal({
    ...trace,
    outputs: sorted(trace.outputs),
    metrics: Object.fromEntries(metrics),
    format,
  });
}

/**
 * The trace of a manifest; `corrupt` if any byte is not as written, `foreign` if another version of
 * Tunesmith wrote it in its own format.
 */
export function traceOf(manifest: string): Trace | "corrupt" | "foreign" {
  const content = unseal(manifest);
  if (content === undefined) return "corrupt";
  if (!isObject(content) || content.format !== format) return "foreign";
  const { key, outputs, metrics, facts, seconds, recipe, finishedAt } = content;
  const isWhole =
    isTraceKey(key) &&
    isObject(outputs) &&
    isObject(metrics) &&
    isObject(facts) &&
    isObject(recipe) &&
    typeof seconds === "number" &&
    typeof finishedAt === "string";
  if (!isWhole || !Object.values(outputs).every(isDigest)) return "corrupt";
  const numbers = Object.entries(metrics).map(([name, value]) => [name, Number(value)]);
  return {
    key,
    outputs: outputs as Readonly<Record<string, Digest>>,
    metrics: Object.fromEntries(numbers),
    facts,
    seconds,
    recipe,
    finishedAt,
  };
}

/**
 * A manifest's name inside its shard `manifests/ab`: the rest of the key, and which outputs, so
 * that equal results share one file.
 */
export function manifestName({ key, outputs }: Pick<Trace, "key" | "outputs">): string {
  return `${key.slice(2)}.${hexOf(digestOf(JSON.stringify(sorted(outputs)))).slice(0, 16)}.json`;
}

/** Newest first; of the same instant, by name, so that the order never depends on the folder's. */
export function newestFirst(a: Trace, b: Trace): number {
  return compareText(b.finishedAt, a.finishedAt) || compareText(manifestName(a), manifestName(b));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function sorted(outputs: Readonly<Record<string, Digest>>): Record<string, Digest> {
  return Object.fromEntries(Object.entries(outputs).sort(([a], [b]) => compareText(a, b)));
}

/** JSON has no NaN, infinities or -0; these are kept as text. */
function numberText(value: number): Json {
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : Object.is(value, -0)
      ? "-0"
      : String(value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
