import { type Problem, StageFailure } from "../engine/diagnostic.ts";
import type { PipelineStage } from "../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { type EmbeddedRows, openEmbeddedRows } from "./embedded-rows.ts";
import { reportUnknownStage, withExaminedFile } from "./examine-file.ts";
import { reportProblem } from "./report-problem.ts";

/** An embed stage of a pipeline file; without a name the only one. */
export interface EmbedStageName {
  readonly file: string;
  readonly stage: string | undefined;
  /** Absent: as a run without `--device`. */
  readonly device?: string | undefined;
}

/** Opens the vectors of an embed stage that is up to date, and works with them. Resolves to the exit code. */
export function withEmbeddedRows(
  context: CliContext,
  { file, stage: name, device }: EmbedStageName,
  work: (rows: EmbeddedRows, stage: PipelineStage) => Promise<void>,
): Promise<number> {
  const refuse = (problem: Problem, code: number) => {
    reportProblem(context, problem);
    return code;
  };
  return withExaminedFile(context, file, { device }, async (view) => {
    const { stages } = view.pipeline;
    if (name !== undefined && !stages.some((stage) => stage.name === name))
      return reportUnknownStage(context, file, view.pipeline, name);
    const stage = embedStage(stages, name);
    if ("message" in stage) return refuse(stage, exitCodes.usage);
    const lease = view.cache.leases.take();
    try {
      const rows = await openEmbeddedRows(view, stage);
      if (!rows.ok) return refuse(rows.error, exitCodes.failed);
      await work(rows.value, stage);
      return exitCodes.ok;
    } catch (error) {
      if (error instanceof StageFailure) return refuse(error.problem, exitCodes.failed);
      throw error;
    } finally {
      lease.release();
    }
  });
}

function embedStage(
  stages: readonly PipelineStage[],
  name: string | undefined,
): PipelineStage | Problem {
  const embedding = stages.filter(({ kind }) => kind.kind === "embed");
  const found = embedding.find((stage) => stage.name === name);
  if (found !== undefined) return found;
  if (name === undefined && embedding.length === 1) return embedding[0]!;
  const names = embedding.map((stage) => stage.name).join(", ");
  return {
    code: "no-vectors",
    message: name === undefined ? "Name an embed stage." : `"${name}" is no embed stage.`,
    hint: names === "" ? "add a stage `uses: embed`" : `embed stages: ${names}`,
  };
}
