import type { Problem } from "../diagnostic.ts";
import type { Gate } from "../pipeline/pipeline.ts";

/** The first gate that a stage's metrics do not meet, told as a problem. */
export function unmetGate(
  stage: { readonly name: string; readonly gates: readonly Gate[] },
  metrics: Readonly<Record<string, number>>,
): Problem | undefined {
  for (const { metric, operator, value } of stage.gates) {
    const found = metrics[metric];
    if (found === undefined) {
      const names = Object.keys(metrics).sort().join(", ") || "none";
      const message = `The gate of "${stage.name}" needs the metric "${metric}", which it does not have.`;
      return { code: "gate-unknown-metric", message, hint: `its metrics: ${names}` };
    }
    if (!holds(found, operator, value)) {
      const message = `The gate of "${stage.name}" is not met: ${metric} is ${found}, required is ${operator} ${value}.`;
      return { code: "gate-not-met", message };
    }
  }
  return undefined;
}

function holds(found: number, operator: Gate["operator"], value: number): boolean {
  switch (operator) {
    case ">=":
      return found >= value;
    case ">":
      return found > value;
    case "<=":
      return found <= value;
    case "<":
      return found < value;
    case "==":
      return found === value;
    case "!=":
      return found !== value;
  }
}
