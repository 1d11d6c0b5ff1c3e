import pc from "picocolors";
import type { StageEvent, StageReason } from "../../engine/event.ts";
import type { Gate } from "../../engine/pipeline/pipeline.ts";
import { formatRoughSeconds, formatSeconds } from "../text/format-quantity.ts";
import { printable, printableLine } from "../text/printable.ts";
import { mainMetrics } from "./main-metrics.ts";

type Started = StageEvent & { readonly state: "started" };
type Executed = StageEvent & { readonly state: "executed" };
type Failed = StageEvent & { readonly state: "failed" };
type Skipped = StageEvent & { readonly state: "skipped" };

const reasons: Partial<Record<StageReason, string>> = {
  new: "its first run",
  forced: "forced",
  "not-cacheable": "cache: false",
  "blob-missing": "its stored output is gone",
};

/** `running: with.learning_rate: 5e-5 -> 3e-5 (about 1m 20s)`. */
export function sayStarted({ reason, why, expectedSeconds }: Started): string {
  // What changed says more than that there is no trace of it yet.
  const cause = reason === "new" && why !== undefined ? why : (reasons[reason] ?? reason);
  const time =
    expectedSeconds === undefined ? "" : ` (about ${formatRoughSeconds(expectedSeconds)})`;
  return `running: ${printableLine(cause)}${time}`;
}

/** `executed in 1m 20s: accuracy 0.81, loss 0.41`. */
export function sayExecuted(
  { seconds, metrics }: Executed,
  gates: readonly Pick<Gate, "metric">[],
): string {
  const shown = mainMetrics(metrics, gates);
  return `executed in ${formatSeconds(seconds)}${shown === "" ? "" : `: ${shown}`}`;
}

/** `skipped: "train" failed`, `skipped: interrupted`. */
export function saySkipped({ reason, because }: Skipped): string {
  if (reason === "interrupted") return "skipped: interrupted";
  return because === undefined
    ? "skipped: another stage failed"
    : `skipped: "${because}" did not finish`;
}

/** How a failure is shown: the message, what to do, its code, and the end of the log and where the rest is. */
export function renderFailure(
  { stage, reason, problem }: Failed,
  { cross, color, logTail, logCommand }: FailureStyle,
): string {
  const { red, dim } = pc.createColors(color);
  const [first = "", ...rest] = printable(problem.message).split("\n");
  const lines = [`${red(cross)} ${stage}: ${first}`, ...rest.map((line) => `    ${line}`)];
  if (problem.hint !== undefined) lines.push(`    hint: ${printableLine(problem.hint)}`);
  lines.push(dim(`    code: ${problem.code}`));
  if ((reason === "crash" || reason === "error") && logTail.length > 0) {
    lines.push("    the end of its log:", ...logTail.map((line) => dim(`    | ${line}`)));
    lines.push(`    all of it: ${logCommand}`);
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** What surrounds a failure. */
export interface FailureStyle {
  readonly cross: string;
  readonly color: boolean;
  readonly logTail: readonly string[];
  /** The command that prints the whole log. */
  readonly logCommand: string;
}
