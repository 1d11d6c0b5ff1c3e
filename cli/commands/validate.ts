import type { Diagnostic } from "../../engine/diagnostic.ts";
import { locate, renderDiagnostics } from "../../engine/render-diagnostic.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { checkPipeline } from "../open-pipeline.ts";

/** What `tunesmith validate` takes. */
export interface ValidateFlags {
  readonly set: readonly string[];
  readonly setFile?: readonly string[];
  readonly json: boolean;
}

/** Checks a pipeline file without running anything; what is wrong with it is the result, on stdout. */
export async function validate(
  context: CliContext,
  file: string,
  { set, setFile = [], json }: ValidateFlags,
): Promise<number> {
  const checked = await checkPipeline(context, file, { set, setFile });
  if ("exitCode" in checked) return checked.exitCode;
  const { stdout, color, columns } = context;
  if ("diagnostics" in checked) {
    const { diagnostics } = checked;
    const text = json ? linesOf(diagnostics) : renderDiagnostics(diagnostics, { color, columns });
    stdout.write(text);
    return exitCodes.invalidPipeline;
  }
  const { stages } = checked.pipeline;
  const count = `${stages.length} stage${stages.length === 1 ? "" : "s"}`;
  if (!json) stdout.write(`${file} is valid: ${count}\n`);
  return exitCodes.ok;
}

/** One diagnostic a line as JSON: lines and columns from 1, offsets in UTF-16 units. */
function linesOf(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ code, message, hint, file, range }) => {
      const { line, column } = locate(file.text, range);
      const place = { file: file.path, line, column, start: range.start, end: range.end };
      return `${JSON.stringify({ type: "diagnostic", code, message, hint, ...place })}\n`;
    })
    .join("");
}
