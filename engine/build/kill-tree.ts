import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Looked at again after killing: what was started meanwhile has another parent by then. */
const MOST_ROUNDS = 3;

/** A process; the time of its start tells it from a later one with the same id. */
export interface LivingProcess {
  readonly pid: number;
  readonly parent: number;
  readonly started: string;
}

/** What a process has started, and what that has started. */
export function descendantsOf(pid: number): readonly LivingProcess[] {
  const children = new Map<number, LivingProcess[]>();
  for (const one of livingProcesses())
    children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  const found: LivingProcess[] = [];
  for (const next = [pid]; next.length > 0; ) {
    const below = children.get(next.pop()!) ?? [];
    found.push(...below);
    next.push(...below.map((one) => one.pid));
  }
  return found;
}

/**
 * Kills a process, all that it started, and its process group, if it leads one. What left the group and has outlived
 * its parent is no descendant any more: it is killed if it was one earlier, as `before` says.
 */
export function killTree(pid: number, before: readonly LivingProcess[] = []): void {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore" });
    return;
  }
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const below = descendantsOf(pid);
    if (below.length === 0) break;
    for (const one of below) kill(one.pid);
  }
  if (before.length > 0) {
    const alive = new Set(livingProcesses().map(identityOf));
    for (const one of before) if (alive.has(identityOf(one))) kill(one.pid);
  }
  kill(-pid);
  kill(pid);
}

function identityOf({ pid, started }: LivingProcess): string {
  return `${pid} ${started}`;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** Every process; zombies have ended already. */
function livingProcesses(): readonly LivingProcess[] {
  if (process.platform === "linux") return readdirSync("/proc").flatMap(readProcess);
  if (process.platform === "win32") return [];
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,lstart="], { encoding: "utf8" });
  return (stdout ?? "").split("\n").flatMap((line) => {
    const [, pid, parent, started = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), started }];
  });
}

/** Where the parent and the time of the start stand in `/proc/PID/stat`, after the name. */
const PARENT = 1;
const STARTED = 19;

function readProcess(name: string): LivingProcess[] {
  if (!/^[0-9]+$/.test(name)) return [];
  try {
    const text = readFileSync(`/proc/${name}/stat`, "utf8");
    // The name in parentheses may hold anything, spaces and parentheses too.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return [];
    return [{ pid: Number(name), parent: Number(fields[PARENT]), started: fields[STARTED] ?? "" }];
  } catch {
    return []; // it ended meanwhile
  }
}
