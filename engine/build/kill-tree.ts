import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Looked at again after killing: what was started meanwhile has another parent by then. */
const MOST_ROUNDS = 3;

/**
 * Kills a process, all that it started, and its process group, if it leads one. Whoever left the group is found as a
 * descendant; only what left the group and outlived its parent cannot be found.
 */
export function killTree(pid: number): void {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore" });
    return;
  }
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const below = descendantsOf(pid);
    if (below.length === 0) break;
    for (const one of below) kill(one);
  }
  kill(-pid);
  kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

function descendantsOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of livingProcesses())
    children.set(parent, [...(children.get(parent) ?? []), child]);
  const found: number[] = [];
  for (const next = [pid]; next.length > 0; ) {
    const below = children.get(next.pop()!) ?? [];
    found.push(...below);
    next.push(...below);
  }
  return found;
}

/** Every process with its parent; zombies have ended already. */
function livingProcesses(): readonly (readonly [number, number])[] {
  if (process.platform === "linux") return readdirSync("/proc").flatMap(readProcess);
  const { stdout = "" } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    return pid && parent ? [[pid, parent] as const] : [];
  });
}

function readProcess(name: string): (readonly [number, number])[] {
  if (!/^[0-9]+$/.test(name)) return [];
  try {
    const text = readFileSync(`/proc/${name}/stat`, "utf8");
    // The name in parentheses may hold anything, spaces and parentheses too.
    const [state, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? [] : [[Number(name), Number(parent)]];
  } catch {
    return []; // it ended meanwhile
  }
}
