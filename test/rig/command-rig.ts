import type { CliContext } from "../../cli/context.ts";
import type { AnyStage } from "../../engine/stage.ts";
import { stages } from "../../stages/index.ts";

/** What a command printed, and its exit code. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command under test sees of the process. */
export interface CommandSetting {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly color?: boolean;
  readonly kinds?: readonly AnyStage[];
  /** What comes in, chunk by chunk; absent: nothing. */
  readonly stdin?: readonly (string | Uint8Array)[];
  /** Absent: never aborted. */
  readonly signal?: AbortSignal;
}

/** Runs a command in this process with its output caught: no colour, 100 columns, an environment that says no more than that there is a cpu. */
export async function runCommand(
  {
    cwd,
    environment = {},
    columns = 100,
    color = false,
    kinds = stages,
    stdin = [],
    signal = new AbortController().signal,
  }: CommandSetting,
  command: (context: CliContext) => Promise<number>,
): Promise<CommandResult> {
  const texts = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      texts[name] += text;
    },
  });
  const context: CliContext = {
    cwd,
    environment: { TUNESMITH_DEVICE: "cpu", ...environment },
    stdin: (async function* () {
      for (const chunk of stdin) yield Buffer.from(chunk);
    })(),
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    color,
    interactive: false,
    columns,
    kinds,
    version: "0.0.0",
    hostModule: "",
    signal,
  };
  return { exitCode: await command(context), ...texts };
}
