import type { CliContext } from "../context.ts";
import type { Reporter } from "./reporter.ts";

/** One event a line on stdout: the machine-readable form, the same fields as engine/event.ts. */
export function createJsonlReporter({ stdout }: Pick<CliContext, "stdout">): Reporter {
  return {
    report: (event) => stdout.write(`${JSON.stringify(event)}\n`),
    close: () => {},
  };
}
