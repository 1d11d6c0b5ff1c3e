import { readFile } from "node:fs/promises";
import { errnoOf } from "../../cache/cache-error.ts";
import { type CliContext, exitCodes } from "../context.ts";
import { describeStage, lastLogOf } from "../describe-stage.ts";
import {
  type ExaminedFile,
  reportUnknownStage,
  withExaminedFile,
  writeJson,
} from "../examine-file.ts";
import { reportProblem } from "../report-problem.ts";
import { selectRun } from "../select-run.ts";
import { stagesNamed } from "../stages-named.ts";
import { printable } from "../text/printable.ts";
import { renderMembers } from "../text/render-members.ts";
import { renderRun, renderRuns, runJson, runsJson } from "../text/render-runs.ts";
import { renderStage } from "../text/render-stage.ts";

/** What `tunesmith show` takes. */
export interface ShowFlags {
  readonly device?: string;
  readonly log: boolean;
  readonly json: boolean;
}

const SHOWN_RUNS = 10;

/** Shows the last runs of a pipeline, one of them, the members of a matrix, or one stage with all that its last result holds, or that stage's log. */
export function show(
  context: CliContext,
  file: string,
  name: string | undefined,
  flags: ShowFlags,
): Promise<number> {
  return withExaminedFile(context, file, { device: flags.device }, (view) => {
    const [first] = name === undefined ? [] : stagesNamed(view.pipeline, name);
    const isStage = first === name;
    if (name !== undefined && first !== undefined && !isStage)
      return showMembers(context, view, name, flags);
    if (name !== undefined && !isStage && !flags.log) return showRun(context, view, name, flags);
    if (name !== undefined) return showStage(context, view, name, flags);
    if (!flags.log) return showRuns(context, view, flags);
    const hint = `name one: tunesmith show ${file} STAGE --log`;
    reportProblem(context, { code: "no-stage-named", message: "--log needs a stage.", hint });
    return Promise.resolve(exitCodes.usage);
  });
}

async function showRuns(
  context: CliContext,
  view: ExaminedFile,
  { json }: ShowFlags,
): Promise<number> {
  const runs = view.cache.traces.lastRuns({ pipeline: view.label, limit: SHOWN_RUNS });
  if (json) writeJson(context, runsJson(view, runs));
  else context.stdout.write(renderRuns(view, runs, context));
  return exitCodes.ok;
}

async function showRun(
  context: CliContext,
  view: ExaminedFile,
  name: string,
  { json }: ShowFlags,
): Promise<number> {
  const run = selectRun(view.cache, view.label, name);
  if (!run.ok && !/^last(~\d+)?$/.test(name) && run.error.code === "unknown-run")
    return reportUnknownStage(context, view.file, view.pipeline, name);
  if (!run.ok) {
    reportProblem(context, run.error);
    return exitCodes.usage;
  }
  if (json) writeJson(context, runJson(view, run.value));
  else context.stdout.write(renderRun(view, run.value, context));
  return exitCodes.ok;
}

async function showMembers(
  context: CliContext,
  view: ExaminedFile,
  name: string,
  { log, json }: ShowFlags,
): Promise<number> {
  const stages = view.pipeline.stages.filter(({ member }) => member?.of === name);
  if (log) {
    const message = `"${name}" is a matrix: each of its members has a log of its own.`;
    const hint = `name one: tunesmith show ${view.file} '${stages[0]?.name}' --log`;
    reportProblem(context, { code: "several-logs", message, hint });
    return exitCodes.usage;
  }
  const members = await Promise.all(
    stages.map(async (stage) => ({ stage, described: await describeStage(view, stage) })),
  );
  const described = members.map((member) => member.described);
  if (json) writeJson(context, { type: "members", stage: name, members: described });
  else context.stdout.write(renderMembers(name, members, view.file, context));
  return exitCodes.ok;
}

async function showStage(
  context: CliContext,
  view: ExaminedFile,
  name: string,
  { log, json }: ShowFlags,
): Promise<number> {
  const stage = view.pipeline.stages.find((candidate) => candidate.name === name);
  if (stage === undefined) return reportUnknownStage(context, view.file, view.pipeline, name);
  if (log) return showLog(context, view, name);
  const described = await describeStage(view, stage);
  if (json) writeJson(context, described);
  else context.stdout.write(renderStage(described, view.file, context));
  return exitCodes.ok;
}

async function showLog(context: CliContext, view: ExaminedFile, name: string): Promise<number> {
  const path = lastLogOf(view, name);
  const text = path === undefined ? undefined : await textAt(path);
  if (text === undefined) {
    reportProblem(context, {
      code: "no-log",
      message: `There is no log of "${name}": it did not say anything in the last runs.`,
    });
    return exitCodes.failed;
  }
  context.stdout.write(printable(text));
  return exitCodes.ok;
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
