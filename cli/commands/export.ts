import { isAbsolute, join } from "node:path";
import type { ArtifactTree } from "../../engine/artifact.ts";
import type { Problem } from "../../engine/diagnostic.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { copyOut } from "../copy-out.ts";
import { type ExaminedFile, withExaminedFile, writeJson } from "../examine-file.ts";
import { reportProblem } from "../report-problem.ts";
import { type OutputName, parseOutputName, selectSplit } from "../select-output.ts";
import { formatBytes, formatCount } from "../text/format-quantity.ts";
import { upToDateTree } from "../up-to-date-tree.ts";

/** What `tunesmith export` is told. */
export interface ExportRequest {
  readonly file: string;
  /** `STAGE[.PORT[.SPLIT]]`. */
  readonly output: string;
  readonly folder: string;
}

/** How it is told. */
export interface ExportFlags {
  readonly device?: string;
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * Copies the files of an up-to-date stage's output into a folder; a stage that is not up to date ends in exit code 1.
 * No collection takes what is being copied.
 */
export function exportOutput(
  context: CliContext,
  request: ExportRequest,
  flags: ExportFlags,
): Promise<number> {
  return withExaminedFile(context, request.file, { device: flags.device }, async (view) => {
    const lease = view.cache.leases.take();
    try {
      return await exportFrom(view, context, request, flags);
    } finally {
      lease.release();
    }
  });
}

async function exportFrom(
  view: ExaminedFile,
  context: CliContext,
  { output, folder }: ExportRequest,
  { force, json }: ExportFlags,
): Promise<number> {
  const refuse = (problem: Problem, code: number = exitCodes.failed) => {
    reportProblem(context, problem);
    return code;
  };
  const named = parseOutputName(output, view.pipeline);
  if (!named.ok) return refuse(named.error, exitCodes.usage);
  const whole = upToDateTree(view, named.value);
  if (!whole.ok) return refuse(whole.error);
  const tree = selectSplit(whole.value, named.value);
  if (!tree.ok) return refuse(tree.error);
  const absolute = isAbsolute(folder) ? folder : join(context.cwd, folder);
  const { signal } = context;
  const problem = await copyOut(tree.value, view.cache, {
    folder: absolute,
    shown: folder,
    force,
    signal,
  });
  if (problem !== undefined)
    return refuse(problem, signal.aborted ? exitCodes.interrupted : exitCodes.failed);
  const found = { named: named.value, tree: tree.value, folder };
  if (json) writeJson(context, exportJson(found));
  else context.stdout.write(sayExported(found));
  return exitCodes.ok;
}

interface Exported {
  readonly named: OutputName;
  readonly tree: ArtifactTree;
  readonly folder: string;
}

/** `{"type":"export","stage","port","split"?,"folder","files":[{"path","digest","bytes"}]}` */
function exportJson({ named, tree, folder }: Exported): object {
  const { stage, port, split } = named;
  const files = Object.entries(tree.files).map(([path, file]) => ({ path, ...file }));
  const which = { stage: stage.name, port, ...(split === undefined ? {} : { split }) };
  return { type: "export", ...which, folder, files };
}

function sayExported({ named, tree, folder }: Exported): string {
  const files = Object.values(tree.files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const size = `${formatCount(files.length, "file")}, ${formatBytes(bytes)}`;
  const which = [named.stage.name, named.port, ...(named.split ? [named.split] : [])].join(".");
  return `${which} -> ${folder} (${size})\n`;
}
