import { readFile } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { errnoOf } from "../cache/cache-error.ts";
import type { Diagnostic } from "../engine/diagnostic.ts";
import { analyze } from "../engine/pipeline/analyze.ts";
import type { Pipeline } from "../engine/pipeline/pipeline.ts";
import type { ReadFile, RootRequest } from "../engine/pipeline/read-root.ts";
import { renderDiagnostics } from "../engine/render-diagnostic.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { reportProblem } from "./report-problem.ts";

/** Values from the command line that change the file's. */
export interface Settings {
  readonly set?: readonly string[];
  readonly setFile?: readonly string[];
}

/** A pipeline that can be worked with, or the exit code after the reasons were printed. */
export type OpenedPipeline = { readonly pipeline: Pipeline } | { readonly exitCode: number };

/** Reads and checks a pipeline file; prints all that is wrong with it to stderr. */
export async function openPipeline(
  context: CliContext,
  file: string,
  options: Settings = {},
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
  settings: Settings = {},
): Promise<OpenedPipeline | { readonly diagnostics: readonly Diagnostic[] }> {
  const read = await readRequest(context, file, settings);
  if ("exitCode" in read) return read;
  const analyzed = await analyze({ ...read.request, kinds: context.kinds });
  return analyzed.ok ? { pipeline: analyzed.value } : { diagnostics: analyzed.error };
}

/** Reads a pipeline file and the settings files; prints why one cannot be read. */
export async function readRequest(
  context: CliContext,
  file: string,
  { set = [], setFile = [] }: Settings,
): Promise<{ readonly request: RootRequest } | { readonly exitCode: number }> {
  const pathOf = (name: string) => (isAbsolute(name) ? name : join(context.cwd, name));
  const files: ReadFile[] = [];
  for (const shown of [file, ...setFile]) {
    try {
      files.push({ shown, bytes: await readFile(pathOf(shown)) });
    } catch (error) {
      return { exitCode: reportUnreadable(context, shown, error, shown === file) };
    }
  }
  const [pipeline, ...settings] = files;
  const { environment } = context;
  return {
    request: { ...pipeline!, path: pathOf(file), environment, overrides: set, settings },
  };
}

function reportUnreadable(
  context: CliContext,
  file: string,
  error: unknown,
  isPipeline: boolean,
): number {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  if (errno !== "ENOENT") {
    reportProblem(context, {
      code: "file-unreadable",
      message: `${file} cannot be read: ${(error as Error).message}`,
    });
    return exitCodes.io;
  }
  const hintForPipeline =
    "name a pipeline file such as pipelines/package-sections.tune.yaml, or write one with `tunesmith init`";
  const hint = isPipeline ? hintForPipeline : "paths start from the folder you are in";
  reportProblem(context, { code: "file-not-found", message: `There is no file ${file}.`, hint });
  return exitCodes.usage;
}

/** The pipeline's label in the records of past runs: its path in the project, the same on any machine. */
export function labelOf(pipeline: Pipeline): string {
  return relative(pipeline.project, pipeline.path).split(sep).join("/");
}
