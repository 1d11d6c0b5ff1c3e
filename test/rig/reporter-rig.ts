import type { TestContext } from "node:test";
import type { Reporter } from "../../cli/reporters/reporter.ts";
import { createTerminalReporter } from "../../cli/reporters/terminal.ts";
import type { Pipeline, PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { stages as kinds } from "../../stages/index.ts";
import { ManualClock } from "./manual-clock.ts";
import { Screen } from "./screen.ts";

/** What a reporter under test sees of the process. */
export interface ReporterSetting {
  readonly columns: number;
  readonly interactive?: boolean;
  readonly color?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A terminal reporter with a clock, a screen for stderr, and everything that was written. */
export interface ReporterRig {
  readonly reporter: Reporter;
  readonly clock: ManualClock;
  readonly screen: Screen;
  readonly interruption: AbortController;
  /** Bytes as they were written; on stdout the result. */
  readonly written: { stdout: string; stderr: string };
}

/** Makes a reporter of a run of a pipeline in `/project/p.tune.yaml`; it is closed after the test. */
export function createReporterRig(
  test: TestContext,
  pipeline: Pipeline,
  setting: ReporterSetting,
): ReporterRig {
  const { interactive = false, color = false, environment = { LANG: "C.UTF-8" } } = setting;
  const clock = new ManualClock();
  const screen = new Screen(setting.columns);
  const written = { stdout: "", stderr: "" };
  const interruption = new AbortController();
  const context = {
    cwd: "/project",
    environment,
    color,
    interactive,
    get columns() {
      return screen.columns;
    },
    signal: interruption.signal,
    stdout: {
      write: (text: string) => {
        written.stdout += text;
      },
    },
    stderr: {
      write: (text: string) => {
        written.stderr += text;
        screen.write(text);
      },
    },
  };
  const reporter = createTerminalReporter(context, pipeline, clock);
  test.after(() => reporter.close());
  return { reporter, clock, screen, interruption, written };
}

/** A pipeline as far as displays look at it: names and kinds, what has gates, what is read and saved where. */
export function pipelineOf(
  stages: readonly (Pick<PipelineStage, "name"> &
    Partial<Pick<PipelineStage, "gates" | "destination" | "sources">> & {
      readonly uses: string;
    })[],
): Pipeline {
  const range = { start: 0, end: 0 };
  return {
    name: "test",
    source: { path: "p.tune.yaml", text: "" },
    path: "/project/p.tune.yaml",
    folder: "/project",
    project: "/project",
    stages: stages.map(({ uses, ...stage }) => ({
      kind: kinds.find(({ kind }) => kind === uses)!,
      params: {},
      seed: 42,
      inputs: {},
      sources: [],
      cacheable: true,
      gates: [],
      resources: { gpu: 0 },
      range,
      ...stage,
    })),
  };
}
