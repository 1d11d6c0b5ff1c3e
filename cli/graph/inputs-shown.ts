import type { PipelineStage, Reference } from "../../engine/pipeline/pipeline.ts";

/** One thing a stage reads, as a pipeline file would name it: `tokens.train`, `split.report`. */
export interface ShownInput {
  readonly stage: string;
  /** What is read of the stage: output port (unless its first) and splits; empty for the whole first output. */
  readonly detail: string;
}

/** What a stage reads of other stages, port by port. */
export function inputsShown(
  stage: PipelineStage,
  stages: ReadonlyMap<string, PipelineStage>,
): ShownInput[] {
  return Object.values(stage.inputs).map((reference) => ({
    stage: reference.stage,
    detail: detailOf(reference, stages.get(reference.stage)),
  }));
}

function detailOf({ port, parts }: Reference, from: PipelineStage | undefined): string {
  const isFirst = Object.keys(from?.kind.outputs ?? {})[0] === port;
  return [...(isFirst ? [] : [port]), ...(parts === undefined ? [] : [parts.join("+")])].join(".");
}
