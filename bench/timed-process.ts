import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** How a process went. */
export interface TimedProcess {
  /** From before it was started until it ended. */
  readonly seconds: number;
  /** From before it was started until its first output on either stream; undefined where it was silent. */
  readonly firstOutputSeconds: number | undefined;
  readonly stdout: string;
  /** The most memory that one process of its tree had in use (Linux: VmHWM), in MiB; undefined where that is not known. */
  readonly peakMiB: number | undefined;
}

/** What a process runs in. */
export interface ProcessSetting {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Text for its standard input. */
  readonly input?: string;
  /** Whether to watch the memory of it and all its children; costs a little time. */
  readonly watchMemory?: boolean;
}

const MILLISECONDS_BETWEEN_LOOKS = 100;

/** Runs a command to its end. Throws with what it said on stderr where its exit code is not 0. */
export async function runTimed(
  [program, ...args]: readonly [string, ...string[]],
  { cwd, env, input, watchMemory = false }: ProcessSetting,
): Promise<TimedProcess> {
  const started = performance.now();
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
  child.stdin.on("error", () => {}); // it may end without reading
  child.stdin.end(input ?? "");
  let firstOutputSeconds: number | undefined;
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      firstOutputSeconds ??= secondsSince(started);
      said[name] += text;
    });
  const memory = watchMemory ? watchPeak(child.pid) : undefined;
  const end = await new Promise<number | string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(signal ?? code ?? 0));
  });
  const seconds = secondsSince(started);
  const peakMiB = memory?.();
  if (end !== 0)
    throw new Error(`${[program, ...args].join(" ")} ended with ${end}:\n${said.stderr}`);
  return { seconds, firstOutputSeconds, stdout: said.stdout, peakMiB };
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** Looks at a process and its descendants again and again; the function it returns stops and tells the highest peak. */
function watchPeak(root: number | undefined): () => number | undefined {
  let peak = 0;
  const look = () => {
    for (const pid of treeOf(root)) peak = Math.max(peak, peakOf(pid));
  };
  const timer = setInterval(look, MILLISECONDS_BETWEEN_LOOKS);
  return () => {
    clearInterval(timer);
    return peak === 0 ? undefined : peak;
  };
}

/** A process and all below it, by /proc; nothing on systems without. */
function treeOf(root: number | undefined): ReadonlySet<number> {
  const parents = new Map(processIds().map((pid) => [pid, parentOf(pid)]));
  const tree = new Set(root === undefined || parents.size === 0 ? [] : [root]);
  for (let before = -1; before !== tree.size; ) {
    before = tree.size;
    for (const [pid, parent] of parents)
      if (parent !== undefined && tree.has(parent)) tree.add(pid);
  }
  return tree;
}

function processIds(): readonly number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return []; // no Linux
  }
}

function parentOf(pid: number): number | undefined {
  const match = /^PPid:\s*(\d+)/m.exec(statusOf(pid));
  return match === null ? undefined : Number(match[1]);
}

/** MiB; 0 for a process that is gone. */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(statusOf(pid))?.[1] ?? 0) / 1024;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // it has ended
  }
}
