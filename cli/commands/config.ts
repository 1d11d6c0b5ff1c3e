import type { SourceText } from "../../engine/diagnostic.ts";
import { type Origin, originsOf } from "../../engine/pipeline/origins.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { locate } from "../../engine/render-diagnostic.ts";
import type { Json } from "../../engine/stage.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { openPipeline, readRequest } from "../open-pipeline.ts";
import { printableLine } from "../text/printable.ts";

/** What `tunesmith config` takes. */
export interface ConfigFlags {
  readonly set: readonly string[];
  readonly setFile: readonly string[];
  /** Default values, too. */
  readonly resolved: boolean;
  readonly json: boolean;
}

interface Line {
  readonly path: string;
  readonly value: Json;
  /** `default`, or the file and line that the value stands in. */
  readonly from: string;
  readonly via?: string;
}

/** Prints every value of a pipeline, variables and members of matrices put in, with the file and line it comes from. */
export async function config(
  context: CliContext,
  file: string,
  flags: ConfigFlags,
): Promise<number> {
  const opened = await openPipeline(context, file, flags);
  if ("exitCode" in opened) return opened.exitCode;
  const read = await readRequest(context, file, flags);
  if ("exitCode" in read) return read.exitCode;
  const lineAt = countLines();
  const written = (await originsOf(read.request)).map((origin) => lineOf(origin, lineAt));
  const defaults = flags.resolved ? defaultsOf(opened.pipeline, written) : [];
  const lines = [...written, ...defaults];
  if (flags.json) for (const line of lines) context.stdout.write(`${JSON.stringify(line)}\n`);
  else context.stdout.write(render(lines));
  return exitCodes.ok;
}

type LineAt = (file: SourceText, offset: number) => number;

/** A fragment may hold hundreds of values: its lines are looked up once for each place. */
function countLines(): LineAt {
  const known = new Map<string, number>();
  return (file, offset) => {
    const key = `${file.path}:${offset}`;
    const line = known.get(key) ?? locate(file.text, { start: offset, end: offset }).line;
    known.set(key, line);
    return line;
  };
}

function lineOf({ path, value, place, via }: Origin, lineAt: LineAt): Line {
  const { file, range } = place;
  const from =
    file.path === "--set" ? `--set ${file.text}` : `${file.path}:${lineAt(file, range.start)}`;
  return { path, value, from, ...(via !== undefined && { via }) };
}

/** Params that no file gives. A param that a file gives a part of is not a default. */
function defaultsOf({ stages }: Pipeline, written: readonly Line[]): Line[] {
  const paths = new Set(written.map(({ path }) => path));
  const begun = new Set(written.map(({ path }) => path.split(".").slice(0, 4).join(".")));
  return stages.flatMap(({ name, params, seed, kind }) => {
    const values = Object.entries(params).map(([key, value]) => [`with.${key}`, value] as const);
    const all = kind.seeded ? [...values, ["seed", seed] as const] : values;
    return all.flatMap(([key, value]) => {
      const path = `stages.${name}.${key}`;
      if (paths.has(path) || begun.has(path)) return [];
      const isPipelines = key === "seed" && paths.has("seed");
      return [{ path, value, from: isPipelines ? "the pipeline's seed" : "default" }];
    });
  });
}

function render(lines: readonly Line[]): string {
  const heads = lines.map(({ path, value }) => printableLine(`${path}: ${JSON.stringify(value)}`));
  const width = Math.min(64, Math.max(0, ...heads.map(({ length }) => length)));
  return lines
    .map(({ from, via }, i) => {
      const origin = via === undefined ? from : `${from} ${via}`;
      return `${heads[i]!.padEnd(width)}  # ${printableLine(origin)}\n`;
    })
    .join("");
}
