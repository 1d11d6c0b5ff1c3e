import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { isRunning } from "./temporary-name.ts";

/** A process that holds something in a shared cache, as the index remembers it. */
export interface LivingProcess {
  readonly pid: number;
  readonly host: string;
  /** Tells it from a later process under its number; empty where the system does not say. */
  readonly started: string;
  /** When it last gave a sign, in milliseconds since 1970. */
  readonly beat: number;
}

/** How often a holder gives a sign. */
export const beatMilliseconds = 5_000;
/** After so long without one it counts as gone: stopped, or on a machine that went down. */
const silenceMilliseconds = 60_000;

const started = startOf(process.pid) ?? "";

/** This process, as it enters the index. */
export function thisProcess(now: number): LivingProcess {
  return { pid: process.pid, host: hostname(), started, beat: now };
}

/** Whether a holder still runs. On this machine a dead one is noticed at once. */
export function isAlive({ pid, host, started: recorded, beat }: LivingProcess, now: number) {
  if (Math.abs(now - beat) >= silenceMilliseconds) return false;
  if (host !== hostname()) return true;
  return isRunning(pid) && (recorded === "" || startOf(pid) === recorded);
}

/**
 * Which start of the machine and at which of its ticks a process began; `undefined` for one that
 * has ended or where the system has no /proc.
 */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold spaces and parentheses; what follows its end are fields 3 (state) to 52.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
