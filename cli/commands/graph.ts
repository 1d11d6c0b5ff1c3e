import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { drawGraph } from "../graph/draw-graph.ts";
import { mermaidOf } from "../graph/mermaid.ts";
import { openPipeline } from "../open-pipeline.ts";

/** Forms in which `tunesmith graph` shows a pipeline. */
export const graphFormats = ["text", "mermaid", "json"] as const;

/** What `tunesmith graph` takes. */
export interface GraphFlags {
  readonly format: (typeof graphFormats)[number];
  readonly set: readonly string[];
  readonly setFile?: readonly string[];
}

/** Prints which stage reads which; nothing is run. */
export async function graph(
  context: CliContext,
  file: string,
  { format, ...settings }: GraphFlags,
): Promise<number> {
  const opened = await openPipeline(context, file, settings);
  if ("exitCode" in opened) return opened.exitCode;
  context.stdout.write(textOf(opened.pipeline, format));
  return exitCodes.ok;
}

function textOf(pipeline: Pipeline, format: GraphFlags["format"]): string {
  switch (format) {
    case "text":
      return drawGraph(pipeline);
    case "mermaid":
      return mermaidOf(pipeline);
    case "json":
      return `${JSON.stringify(jsonOf(pipeline), null, 2)}\n`;
  }
}

function jsonOf({ name, stages }: Pipeline) {
  return {
    name,
    stages: stages.map((stage) => ({
      name: stage.name,
      uses: stage.kind.kind,
      inputs: stage.inputs,
      reads: stage.sources.map(({ shown }) => shown),
      writes: stage.destination?.shown,
    })),
  };
}
