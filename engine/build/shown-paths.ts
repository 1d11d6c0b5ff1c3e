import type { Problem } from "../diagnostic.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";

/** A stage's problem with its paths as the pipeline file writes them: the stage itself sees only absolute ones. */
export function withShownPaths(problem: Problem, { sources }: PipelineStage): Problem {
  const shorten = (text: string) =>
    sources.reduce((words, { absolute, shown }) => words.replaceAll(absolute, shown), text);
  const hint = problem.hint === undefined ? {} : { hint: shorten(problem.hint) };
  return { ...problem, message: shorten(problem.message), ...hint };
}
