import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ArtifactReader } from "../../engine/artifact.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPorts, StageContext } from "../../engine/stage.ts";
import type { Folder } from "../artifacts/folder.ts";
import type { CommandParams } from "./command.ts";
import { collectOutputs, readMetrics } from "./command-outputs.ts";
import { setAside } from "./set-aside.ts";

/** What programs need to work at all; everything else of the environment is passed only by name. */
const ALWAYS_PASSED = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "TMP", "TEMP"],
  ...["SystemRoot", "ComSpec", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"],
];

type CommandContext = StageContext<CommandParams, InputPorts>;

/**
 * Runs the program in this process's folder, which is the pipeline's, and gives the files that it declared as outputs.
 * When it fails, the outputs of the run before are put back.
 */
export async function runCommand(context: CommandContext): Promise<{ files: Folder }> {
  const { outputs = [], metrics } = context.params;
  const inputs = await mkdtemp(join(tmpdir(), "tunesmith-inputs-"));
  const previous = await setAside(outputs);
  try {
    await start(context, await writeInputs(context, inputs));
    const files = await collectOutputs(outputs);
    if (metrics !== undefined)
      for (const [name, value] of await readMetrics(metrics)) context.metric(name, value);
    await previous.discard();
    return { files };
  } catch (error) {
    await previous.restore();
    throw error;
  } finally {
    await rm(inputs, { recursive: true, force: true });
  }
}

/** Each input as a folder, and the variables that name them: TUNESMITH_INPUT for the only one, TUNESMITH_INPUT_MODEL for `in: { model: … }`. */
async function writeInputs(
  { inputs }: CommandContext,
  folder: string,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const [name, input] of Object.entries(inputs)) {
    if (input === undefined) continue;
    // Members of a matrix come as folders in one: `input[seed=1]`.
    const [base = name, member] = name.split(/[[\]]/);
    const target = join(folder, base, member ?? "");
    await mkdir(target, { recursive: true });
    await writeFiles(input.files, target);
    const suffix = base === "input" ? "" : `_${base.toUpperCase().replaceAll("-", "_")}`;
    variables[`TUNESMITH_INPUT${suffix}`] = join(folder, base);
  }
  return variables;
}

async function writeFiles(files: ArtifactReader, folder: string): Promise<void> {
  for (const path of files.paths) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await pipeline(Readable.from(files.stream(path)), createWriteStream(target));
  }
}

async function start(context: CommandContext, variables: Record<string, string>): Promise<void> {
  const { run, shell } = context.params;
  const env = { ...environmentOf(context), ...variables };
  const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
  const [program = "", ...args] = (run ?? []).map(String);
  const child =
    shell === undefined
      ? spawn(program, args, { env, stdio })
      : spawn(shell, { env, stdio, shell: true });
  const shown = shell ?? (run ?? []).join(" ");
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", context.log);
  // The engine ends all of the process tree; this lets the program tidy up first.
  const abort = () => child.kill("SIGTERM");
  context.signal.addEventListener("abort", abort);
  try {
    await untilEnded(child, shown);
  } finally {
    context.signal.removeEventListener("abort", abort);
  }
}

function environmentOf({ params: { env = [] }, device }: CommandContext): NodeJS.ProcessEnv {
  const names = [...ALWAYS_PASSED, ...env];
  const passed = names.map((name) => [name, process.env[name]] as const);
  const gpus = device.gpus?.join(",");
  return {
    ...Object.fromEntries(passed.filter(([, value]) => value !== undefined)),
    ...(gpus !== undefined && {
      CUDA_VISIBLE_DEVICES: gpus,
      HIP_VISIBLE_DEVICES: gpus,
      TUNESMITH_GPUS: gpus,
    }),
  };
}

function untilEnded(child: ChildProcess, shown: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === "ENOENT";
      const why = isMissing ? "there is no such program" : error.message;
      const hint = isMissing
        ? 'write its path, or install it where PATH leads; a command line with |, > or && needs "shell"'
        : undefined;
      reject(failed(`\`${shown}\` cannot be started: ${why}.`, hint));
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          failed(
            `\`${shown}\` ${signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`}.`,
          ),
        );
    });
  });
}

function failed(message: string, hint?: string): StageFailure {
  return new StageFailure({ code: "command-failed", message, ...(hint !== undefined && { hint }) });
}
