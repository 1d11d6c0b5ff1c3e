import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import type { CliContext } from "../context.ts";
import { createJsonlReporter } from "./jsonl.ts";
import type { Reporter } from "./reporter.ts";
import { createTerminalReporter } from "./terminal.ts";

/** The reporter that fits: NDJSON for programs, lines that redraw on a terminal, plain lines elsewhere. */
export function createReporter(context: CliContext, pipeline: Pipeline, json: boolean): Reporter {
  return json ? createJsonlReporter(context) : createTerminalReporter(context, pipeline);
}
