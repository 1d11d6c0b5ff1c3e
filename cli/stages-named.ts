import type { Pipeline } from "../engine/pipeline/pipeline.ts";

/** Names of the stages that a name on the command line stands for: a stage, a member of a matrix, or all members of one. */
export function stagesNamed({ stages }: Pick<Pipeline, "stages">, name: string): readonly string[] {
  return stages
    .filter((stage) => stage.name === name || stage.member?.of === name)
    .map((stage) => stage.name);
}
