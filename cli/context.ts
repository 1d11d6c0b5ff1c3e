import type { AnyStage } from "../engine/stage.ts";

/** Where a command writes: stdout is the result, stderr is talk. */
export interface TextSink {
  write(text: string): void;
}

/** Everything of the process that commands may use; made once, in main.ts. */
export interface CliContext {
  /** Absolute folder that relative paths on the command line start from. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Colour on stderr and stdout: a terminal, no NO_COLOR, TERM not dumb. */
  readonly color: boolean;
  /** A terminal that can redraw lines: no CI, TERM not dumb. */
  readonly interactive: boolean;
  readonly columns: number;
  /** All kinds of stages that pipelines may use. */
  readonly kinds: readonly AnyStage[];
  /** Version of tunesmith. */
  readonly version: string;
  /** The module that host processes run. */
  readonly hostModule: string;
  /** Aborted on SIGINT, SIGTERM or SIGHUP; the reason is the signal's name. */
  readonly signal: AbortSignal;
}

/** Exit codes of every command. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  invalidPipeline: 3,
  lockDiffers: 4,
  cacheCorrupt: 5,
  io: 74,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code after a signal. */
export function interruptionCode({ reason }: AbortSignal): number {
  return reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
}
