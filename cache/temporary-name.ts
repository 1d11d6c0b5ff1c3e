import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { errnoOf } from "./cache-error.ts";
import { digestOf, hexOf } from "./digest.ts";

const host = hexOf(digestOf(hostname())).slice(0, 8);

/** A free name that says which process of which machine uses it. */
export function temporaryName(): string {
  return `${process.pid}.${host}.${randomBytes(8).toString("hex")}`;
}

/** Whether a name came from `temporaryName` in a process of this machine that has ended. */
export function isOrphan(name: string): boolean {
  const [pid, writer] = name.split(".");
  return writer === host && !isRunning(Number(pid));
}

/** Whether a process of this machine is running; false for what is not a process id. */
export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return errnoOf(error) === "EPERM";
  }
}
