import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Event, SummaryEvent } from "../../engine/event.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const tsx = fileURLToPath(import.meta.resolve("tsx"));

/** How a command ended. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Under what the command line is started. */
export interface StartOptions {
  /** A program and its arguments that starts it. */
  readonly prefix?: readonly string[];
  /** A line of bash that is run before. */
  readonly shell?: string;
}

/** A command line at work. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly result: Promise<CommandResult>;
}

/** A project in a temporary folder, worked on with the real command line in child processes. */
export class ProjectRig implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(
    files: Readonly<Record<string, string | Uint8Array>> = {},
  ): Promise<ProjectRig> {
    const rig = new ProjectRig(await mkdtemp(join(tmpdir(), "tunesmith-project-")));
    await rig.write(files);
    return rig;
  }

  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8");
  }

  /** Copies a file or folder into the project. */
  copy(from: string, to: string): Promise<void> {
    return cp(from, join(this.folder, to), { recursive: true });
  }

  start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    { prefix = [], shell }: StartOptions = {},
  ): RunningCommand {
    const command = [process.execPath, "--import", tsx, main, ...args];
    const within = shell === undefined ? [] : ["bash", "-c", `${shell}; exec "$@"`, "bash"];
    const [program, ...given] = [...prefix, ...within, ...command];
    const child = spawn(program!, given, {
      cwd: this.folder,
      env: {
        ...process.env,
        CI: "true",
        NO_COLOR: "1",
        COLUMNS: "100",
        TUNESMITH_DEVICE: "cpu",
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
      });
    }
    const result = new Promise<CommandResult>((resolve) => {
      child.on("close", (exitCode, signal) => resolve({ exitCode, signal, ...texts }));
    });
    return { process: child, result };
  }

  command(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
    options?: StartOptions,
  ): Promise<CommandResult> {
    return this.start(args, environment, options).result;
  }

  /** Runs a pipeline with `--json` and returns what its summary says; throws with everything printed when there is none. */
  async run(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<SummaryEvent & { readonly exitCode: number | null }> {
    const result = await this.command(["run", ...args, "--json"], environment);
    const last = result.stdout.trimEnd().split("\n").at(-1) ?? "";
    const event = (last.startsWith("{") ? JSON.parse(last) : undefined) as Event | undefined;
    if (event?.type !== "summary")
      throw new Error(`no summary:\n${result.stdout}\n${result.stderr}`);
    return { ...event, exitCode: result.exitCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
