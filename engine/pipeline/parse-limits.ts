import type { PipelineStage } from "./pipeline.ts";
import type { Report } from "./report.ts";
import { quote } from "./report.ts";
import { type SourceNode, valueAt } from "./source-node.ts";

/** What keeps a stage's work in bounds, as far as the file says. */
export type Limits = Pick<PipelineStage, "mutex" | "retries" | "timeout">;

const DURATION = /^([0-9]+(?:\.[0-9]+)?) *(s|m|h)$/;
const SECONDS = { s: 1, m: 60, h: 3600 } as const;
/** Timers of the runtime hold no more than about 24 days. */
const MOST_SECONDS = 20 * 24 * 3600;
const FIRST_WAIT = 1;

/** A stage's `mutex`, `retries` and `timeout`; durations that cannot be read are reported and left out. */
export function parseLimits(body: SourceNode, prefix: string, report: Report): Limits {
  const timeout = readDuration(valueAt(body, "timeout"), { name: "timeout", prefix }, report);
  const mutex = valueAt(body, "mutex");
  const names = (mutex?.kind === "list" ? mutex.items : [mutex]).flatMap((node) =>
    node?.kind === "scalar" ? [node.text] : [],
  );
  const retries = retriesOf(valueAt(body, "retries"), prefix, report);
  return {
    ...(names.length > 0 && { mutex: names }),
    ...(retries !== undefined && { retries }),
    ...(timeout !== undefined && { timeout }),
  };
}

function retriesOf(
  node: SourceNode | undefined,
  prefix: string,
  report: Report,
): Limits["retries"] {
  const times = node?.kind === "map" ? valueAt(node, "times") : node;
  if (node === undefined || times?.kind !== "scalar") return undefined;
  const wait = readDuration(valueAt(node, "wait"), { name: "retries.wait", prefix }, report);
  return { times: Number(times.value), wait: wait ?? FIRST_WAIT };
}

function readDuration(
  node: SourceNode | undefined,
  { name, prefix }: { readonly name: string; readonly prefix: string },
  report: Report,
): number | undefined {
  if (node?.kind !== "scalar") return undefined;
  const { value, text } = node;
  // Another type is reported by the schema.
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const match = DURATION.exec(text);
  const seconds =
    match === null ? Number(value) : Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
  const isText = typeof value === "string" && match === null;
  if (!isText && seconds > 0 && seconds <= MOST_SECONDS) return seconds;
  report({
    code: "invalid-duration",
    message: `${prefix}"${name}" must be a time above 0, of at most 20 days, but is ${quote(text)}.`,
    place: node.place,
    hint: isText ? 'write seconds, or a number with s, m or h: 90, "15m", "2h"' : undefined,
  });
  return undefined;
}
