import { readFile } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { errnoOf } from "../cache/cache-error.ts";
import type { Diagnostic } from "../engine/diagnostic.ts";
import { analyze } from "../engine/pipeline/analyze.ts";
import type { Pipeline } from "../engine/pipeline/pipeline.ts";
import { renderDiagnostics } from "../engine/render-diagnostic.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { reportProblem } from "./report-problem.ts";

/** A pipeline that can be worked with, or the exit code after the reasons were printed. */
export type OpenedPipeline = { readonly pipeline: Pipeline } | { readonly exitCode: number };

/** Reads and checks a pipeline file; prints all that is wrong with it to stderr. */
export async function openPipeline(
  context: CliContext,
  file: string,
  options: { readonly set?: readonly string[] } = {},
): Promise<OpenedPipeline> {
  const checked = await checkPipeline(context, file, options);
  if (!("diagnostics" in checked)) return checked;
  const { color, columns } = context;
  context.stderr.write(renderDiagnostics(checked.diagnostics, { color, columns }));
  return { exitCode: exitCodes.invalidPipeline };
}

/** Reads and checks a pipeline file; prints only why it cannot be read. */
export async function checkPipeline(
  context: CliContext,
  file: string,
  { set = [] }: { readonly set?: readonly string[] } = {},
): Promise<OpenedPipeline | { readonly diagnostics: readonly Diagnostic[] }> {
  const path = isAbsolute(file) ? file : join(context.cwd, file);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return { exitCode: reportUnreadable(context, file, error) };
  }
  const { kinds, environment } = context;
  const analyzed = await analyze({ path, shown: file, bytes, kinds, environment, overrides: set });
  return analyzed.ok ? { pipeline: analyzed.value } : { diagnostics: analyzed.error };
}

function reportUnreadable(context: CliContext, file: string, error: unknown): number {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  if (errno !== "ENOENT") {
    reportProblem(context, {
      code: "file-unreadable",
      message: `${file} cannot be read: ${(error as Error).message}`,
    });
    return exitCodes.io;
  }
  const hint =
    "name a pipeline file such as pipelines/package-sections.tune.yaml, or write one with `tunesmith init`";
  reportProblem(context, { code: "file-not-found", message: `There is no file ${file}.`, hint });
  return exitCodes.usage;
}

/** The pipeline's label in the records of past runs: its path in the project, the same on any machine. */
export function labelOf(pipeline: Pipeline): string {
  return relative(pipeline.project, pipeline.path).split(sep).join("/");
}
