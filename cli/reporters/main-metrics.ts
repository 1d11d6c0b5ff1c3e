import type { Gate } from "../../engine/pipeline/pipeline.ts";
import { formatNumber } from "../text/format-quantity.ts";

/** What people look at first, wherever a stage records it. */
const telling = [
  "accuracy",
  "macro_f1",
  "bleu",
  "chrf",
  "loss",
  "eval_loss",
  "perplexity",
  "train_loss",
  "rows",
];

/** At most three of a stage's metrics for a line of a table: those with a gate first, then the telling ones. */
export function mainMetrics(
  metrics: Readonly<Record<string, number>>,
  gates: readonly Pick<Gate, "metric">[],
): string {
  const names = Object.keys(metrics);
  const first = [...gates.map(({ metric }) => metric), ...telling].filter((name) =>
    names.includes(name),
  );
  return [...new Set([...first, ...names])]
    .slice(0, 3)
    .map((name) => `${name} ${formatNumber(metrics[name]!)}`)
    .join(", ");
}
