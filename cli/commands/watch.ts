import { basename, isAbsolute, join, relative, sep } from "node:path";
import { watch as watchFiles } from "chokidar";
import { matchesPattern } from "../../engine/pipeline/file-pattern.ts";
import type { SourcePath } from "../../engine/pipeline/pipeline.ts";
import { type CliContext, exitCodes, interruptionCode } from "../context.ts";
import { checkPipeline, type Settings } from "../open-pipeline.ts";
import { formatCount } from "../text/format-quantity.ts";

/** What is watched, and what is done after each change. */
export interface WatchRequest {
  /** The path of the pipeline file as the user wrote it. */
  readonly file: string;
  readonly settings: Settings;
  /** Runs the pipeline; `isFirst` until something has changed. Resolves to the exit code. */
  run(isFirst: boolean): Promise<number>;
}

/** What is in these is never read, and they change a lot. */
const NEVER_WATCHED = new Set(["node_modules", ".git", ".tunesmith"]);

/** A program that writes a file in several steps has this long for the next. */
const SETTLED = { stabilityThreshold: 100, pollInterval: 25 };

/**
 * Runs a pipeline, then again after each saved change of its file or of what it reads, until it is interrupted. One run
 * at a time: what changes during a run is seen when it ends, and leads to one more.
 */
export async function watch(context: CliContext, request: WatchRequest): Promise<number> {
  const { signal, stderr } = context;
  const files = new ChangedFiles();
  let watched: readonly Watched[] = [];
  const watcher = watchFiles([], {
    ignoreInitial: true,
    awaitWriteFinish: SETTLED,
    ignored: (path) => NEVER_WATCHED.has(basename(path)),
  });
  watcher.on("all", (_, path) => {
    if (watched.some((one) => isRead(path, one))) files.add(path);
  });
  signal.addEventListener("abort", () => files.wake());
  const follow = async () => {
    const before = watched.map(({ absolute }) => absolute);
    watched = await readBy(context, request, watched);
    const now = watched.map(({ absolute }) => absolute);
    watcher.unwatch(before.filter((path) => !now.includes(path)));
    watcher.add(now.filter((path) => !before.includes(path)));
  };
  try {
    await follow();
    for (let isFirst = true; ; isFirst = false) {
      const exitCode = await request.run(isFirst);
      if (signal.aborted || (isFirst && exitCode === exitCodes.usage)) return exitCode;
      await follow();
      if (files.isEmpty) stderr.write(`${sayWaiting(context, watched)}\n`);
      await files.untilAny();
      if (signal.aborted) return interruptionCode(signal);
      stderr.write(
        `\nchanged: ${files
          .take()
          .map((path) => shown(context, path))
          .join(", ")}\n`,
      );
    }
  } finally {
    await watcher.close();
  }
}

type Watched = Pick<SourcePath, "absolute" | "pattern">;

/** The pipeline file and all that it reads; while there are errors, what was watched before and the files that have them. */
async function readBy(
  context: CliContext,
  { file, settings }: WatchRequest,
  before: readonly Watched[],
): Promise<readonly Watched[]> {
  const pathOf = (path: string) => ({
    absolute: isAbsolute(path) ? path : join(context.cwd, path),
  });
  const own = [file, ...(settings.setFile ?? [])].map(pathOf);
  const silent = { ...context, stderr: { write: () => {} } };
  const checked = await checkPipeline(silent, file, settings);
  if ("diagnostics" in checked) {
    const wrong = checked.diagnostics.map(({ file: { path } }) => pathOf(path));
    return distinct([...own, ...before.slice(own.length), ...wrong]);
  }
  if (!("pipeline" in checked)) return [...own, ...before.slice(own.length)];
  const { stages, fragments = [] } = checked.pipeline;
  const sources = stages.flatMap((stage) => stage.sources);
  return distinct([...own, ...fragments.map(pathOf), ...sources]);
}

function distinct(watched: readonly Watched[]): readonly Watched[] {
  const keyOf = ({ absolute, pattern }: Watched) => `${absolute}\n${pattern ?? ""}`;
  return [...new Map(watched.map((one) => [keyOf(one), one])).values()];
}

function isRead(path: string, { absolute, pattern }: Watched): boolean {
  const inside = relative(absolute, path);
  if (inside === "" || inside.startsWith("..")) return inside === "";
  return pattern === undefined || matchesPattern(inside.split(sep).join("/"), pattern);
}

function shown({ cwd }: CliContext, path: string): string {
  return relative(cwd, path) || path;
}

function sayWaiting(context: CliContext, [file, ...sources]: readonly Watched[]): string {
  const others = sources.length === 0 ? "" : ` and ${formatCount(sources.length, "other file")}`;
  return `waiting for changes of ${shown(context, file!.absolute)}${others} (Ctrl-C ends it)`;
}

/** Paths that changed and have not been dealt with. */
class ChangedFiles {
  readonly #paths = new Set<string>();
  #waiting: (() => void) | undefined;
  #isAwake = false;

  get isEmpty(): boolean {
    return this.#paths.size === 0;
  }

  add(path: string): void {
    this.#paths.add(path);
    this.#waiting?.();
  }

  /** Ends all waiting. */
  wake(): void {
    this.#isAwake = true;
    this.#waiting?.();
  }

  async untilAny(): Promise<void> {
    if (!this.isEmpty || this.#isAwake) return;
    await new Promise<void>((resolve) => {
      this.#waiting = resolve;
    });
    this.#waiting = undefined;
  }

  take(): readonly string[] {
    const paths = [...this.#paths].sort();
    this.#paths.clear();
    return paths;
  }
}
