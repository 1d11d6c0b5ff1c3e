import type { Cache } from "../cache/open-cache.ts";
import { type Examined, examinePipeline } from "../engine/build/examine-pipeline.ts";
import { didYouMean } from "../engine/pipeline/did-you-mean.ts";
import type { Pipeline, PipelineStage } from "../engine/pipeline/pipeline.ts";
import type { DeviceRequest } from "../engine/stage.ts";
import { type CliContext, exitCodes } from "./context.ts";
import { requestedMachine } from "./device-option.ts";
import { labelOf, openPipeline } from "./open-pipeline.ts";
import { withCacheToLookAt } from "./open-workspace.ts";
import { reportProblem } from "./report-problem.ts";
import { stagesNamed } from "./stages-named.ts";

/** A pipeline file that was read and examined, with its cache open. Nothing was executed. */
export interface ExaminedFile {
  /** The path as the user wrote it. */
  readonly file: string;
  readonly pipeline: Pipeline;
  readonly cache: Cache;
  /** Label of the pipeline in the records of past runs. */
  readonly label: string;
  /** Where a run would compute. */
  readonly device: DeviceRequest;
  /** What would happen to each stage that was asked for. */
  readonly examined: ReadonlyMap<string, Examined>;
}

/** What to examine of a pipeline file. */
export interface ExamineFlags {
  readonly set?: readonly string[];
  readonly setFile?: readonly string[];
  /** Absent: as a run without `--device`. */
  readonly device?: string | undefined;
  /** Must all be stages or matrices of the file; a name that is none ends in a message and exit code 2. */
  readonly named?: readonly string[];
  /** The stages to look at; without it, all. */
  select?(pipeline: Pipeline): readonly PipelineStage[];
}

/** Reads a pipeline file, opens its cache and finds out what would run; then works with it. Resolves to the exit code. */
export async function withExaminedFile(
  context: CliContext,
  file: string,
  { set = [], setFile = [], device, named = [], select }: ExamineFlags,
  work: (view: ExaminedFile) => Promise<number>,
): Promise<number> {
  const machine = requestedMachine(context, device);
  if (!machine.ok) {
    reportProblem(context, machine.error);
    return exitCodes.usage;
  }
  const opened = await openPipeline(context, file, { set, setFile });
  if ("exitCode" in opened) return opened.exitCode;
  const { pipeline } = opened;
  const unknown = named.find((name) => stagesNamed(pipeline, name).length === 0);
  if (unknown !== undefined) return reportUnknownStage(context, file, pipeline, unknown);
  return withCacheToLookAt(context, pipeline, async (cache) => {
    const label = labelOf(pipeline);
    const stages = select?.(pipeline) ?? pipeline.stages;
    const { device, facts } = machine.value;
    const options = { cache, facts, label };
    const examined = await examinePipeline({ ...pipeline, stages }, options);
    return work({ file, pipeline, cache, label, device, examined });
  });
}

/** Says that a pipeline file has no such stage, and which it has. Returns the exit code. */
export function reportUnknownStage(
  context: CliContext,
  file: string,
  pipeline: Pipeline,
  name: string,
): number {
  const names = pipeline.stages.map((stage) => stage.name);
  reportProblem(context, {
    code: "unknown-stage",
    message: `${file} has no stage "${name}".`,
    hint: didYouMean(name, names) ?? `its stages: ${names.join(", ")}`,
  });
  return exitCodes.usage;
}

/** One JSON value as a line on stdout. */
export function writeJson({ stdout }: Pick<CliContext, "stdout">, value: object): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}
