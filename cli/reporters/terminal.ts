import pc from "picocolors";
import type { NoticeEvent, StageEvent, SummaryEvent } from "../../engine/event.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { widthOf } from "../../engine/text-width.ts";
import type { CliContext } from "../context.ts";
import { cutTo, padEnd } from "../text/display-width.ts";
import { glyphsOf } from "../text/glyphs.ts";
import { printableLine } from "../text/printable.ts";
import { type Clock, processClock } from "./clock.ts";
import { createPlainDisplay, type Display } from "./display.ts";
import { LiveLines } from "./live-lines.ts";
import type { Reporter } from "./reporter.ts";
import { renderSummary } from "./run-summary.ts";
import { drawProgress } from "./running-stage.ts";
import { renderFailure, sayExecuted, saySkipped, sayStarted } from "./stage-sentence.ts";
import { WatchedRun } from "./watched-run.ts";

/** What of the context the reporter uses. */
export type TerminalContext = Pick<
  CliContext,
  "stdout" | "stderr" | "color" | "interactive" | "columns" | "environment" | "cwd" | "signal"
>;

/** More running stages than these are counted, so that the live lines never fill the window. */
const MOST_LIVE_LINES = 8;

/**
 * Shows a run to people: on stderr a line when a stage starts and ends, progress, notices and failures; on stdout, at
 * the end, the table of stages. On an interactive terminal running stages are redrawn below with bar, rate and
 * remaining time; elsewhere progress is a plain line at most every 10 seconds.
 */
export function createTerminalReporter(
  context: TerminalContext,
  pipeline: Pipeline,
  clock: Clock = processClock,
): Reporter {
  const run = new WatchedRun(clock);
  const lineOf = (stage: string, sentence: string) =>
    `${nameColumn(stage, pipeline, context)}  ${sentence}\n`;
  const display = context.interactive
    ? new LiveLines(context.stderr, clock, {
        columns: () => context.columns,
        lines: () => liveLines(run, pipeline, context, clock.now()),
      })
    : createPlainDisplay(context.stderr, clock, lineOf);
  const talk = { context, pipeline, run, display, lineOf };
  const sayStopping = () => {
    const advice = "running stages finish their step; Ctrl-C again quits at once";
    display.print(`Stopping: ${advice}.\n`);
  };
  context.signal.addEventListener("abort", sayStopping, { once: true });
  const close = () => {
    context.signal.removeEventListener("abort", sayStopping);
    run.running.clear();
    display.close();
  };
  return {
    report(event) {
      run.see(event);
      if (event.type === "stage") reportStage(event, talk);
      else if (event.type === "notice") reportNotice(event, talk);
      else {
        close();
        reportSummary(event, talk);
      }
    },
    close,
  };
}

interface Talk {
  readonly context: TerminalContext;
  readonly pipeline: Pipeline;
  readonly run: WatchedRun;
  readonly display: Display;
  lineOf(stage: string, sentence: string): string;
}

function reportStage(event: StageEvent, talk: Talk): void {
  const { display, run } = talk;
  if (event.state === "progress") {
    const running = run.running.get(event.stage);
    if (running !== undefined) display.progress(running);
    return;
  }
  const text = textOf(event, talk);
  if (text !== undefined) display.print(text);
}

/** What is printed of a stage's event; nothing of cached stages, which the table at the end has, nor of logs. */
function textOf(event: StageEvent, talk: Talk): string | undefined {
  const { pipeline, lineOf } = talk;
  const { stage, state } = event;
  switch (state) {
    case "started":
      return lineOf(stage, sayStarted(event));
    case "executed": {
      const gates = pipeline.stages.find(({ name }) => name === stage)?.gates ?? [];
      return lineOf(stage, sayExecuted(event, gates));
    }
    case "skipped":
      return lineOf(stage, saySkipped(event));
    case "failed":
      return failureText(event, talk);
    case "cached":
    case "progress":
    case "log":
      return undefined;
  }
}

function failureText(
  event: StageEvent & { readonly state: "failed" },
  { context, pipeline, lineOf, run }: Talk,
): string {
  const { stage, reason, problem } = event;
  if (reason === "interrupted") return lineOf(stage, "interrupted");
  // The run heals this by itself: what reads like a failure would alarm without need.
  if (reason === "blob-missing") return lineOf(stage, printableLine(problem.message));
  return renderFailure(event, {
    cross: glyphsOf(context.environment).cross,
    color: context.color,
    logTail: run.logTailOf(stage),
    logCommand: `tunesmith show ${pipeline.source.path} ${stage} --log`,
  });
}

function reportNotice({ message }: NoticeEvent, { context, display }: Talk): void {
  const { yellow } = pc.createColors(context.color);
  display.print(`${yellow("note:")} ${printableLine(message)}\n`);
}

function reportSummary(event: SummaryEvent, { context, pipeline, run }: Talk): void {
  const { color, columns, cwd, environment } = context;
  const room = { color, columns, cwd, ellipsis: glyphsOf(environment).ellipsis };
  context.stdout.write(renderSummary(pipeline, run.results, event, room));
}

/** Stage names take at most a third of the line. */
function nameWidthOf(pipeline: Pipeline, columns: number): number {
  const widest = Math.max(1, ...pipeline.stages.map(({ name }) => widthOf(name)));
  return Math.min(widest, Math.max(8, Math.floor(columns / 3)));
}

function nameColumn(name: string, pipeline: Pipeline, context: TerminalContext): string {
  const width = nameWidthOf(pipeline, context.columns);
  // Lines that stay are never cut: they may be all that a log has.
  return padEnd(name, width);
}

function liveLines(
  run: WatchedRun,
  pipeline: Pipeline,
  context: TerminalContext,
  now: number,
): readonly string[] {
  const { columns, environment, color } = context;
  const { cyan, dim } = pc.createColors(color);
  const glyphs = glyphsOf(environment);
  // The last column stays free: some terminals wrap as soon as it is written.
  const room = { now, width: columns - 1, nameWidth: nameWidthOf(pipeline, columns), glyphs };
  const running = [...run.running.values()];
  const lines = running.slice(0, MOST_LIVE_LINES).map((stage) => cyan(drawProgress(stage, room)));
  const more = running.length - lines.length;
  return more > 0 ? [...lines, dim(cutTo(`and ${more} more`, room.width, glyphs.ellipsis))] : lines;
}
