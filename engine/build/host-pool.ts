import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import { createRedactor, secretsFrom } from "../secrets.ts";
import type { Progress } from "../stage.ts";
import type {
  CheckpointChange,
  FromHost,
  HostFailure,
  HostRequest,
  HostResult,
  ToHost,
} from "./host-protocol.ts";
import { descendantsOf, killTree, type LivingProcess } from "./kill-tree.ts";

/** How host processes are started. */
export interface HostOptions {
  /** The module that calls `serveHost`, and its arguments. */
  readonly module: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Names of variables of the environment whose values leave no host in any text. */
  readonly secrets?: readonly string[];
}

/** Where a running stage's words go. */
export interface HostListener {
  log(line: string): void;
  progress(progress: Progress): void;
  checkpoint?(change: CheckpointChange): void;
}

/** How a request ended. */
export type HostOutcome =
  | { readonly state: "done"; readonly result: HostResult }
  | { readonly state: "failed"; readonly failure: HostFailure };

/** Something that runs stages elsewhere: child processes here, a cluster's executor, or this process in tests. */
export interface Hosts {
  /** Runs one stage. Resolves when it ended, however it ended; never rejects. */
  run(request: HostRequest, listener: HostListener, signal: AbortSignal): Promise<HostOutcome>;
}

/** How long an interrupted stage may take to finish its step before its process is killed. */
const ABORT_GRACE_MS = 3000;

interface Host {
  readonly process: ChildProcess;
  /** Ids of the graphics devices that it was started for: libraries keep to those, or else to any, for as long as the process lives. */
  readonly gpus: string | undefined;
  /** Receives everything the process says or prints, and its end, while it works on a request. */
  listener?: {
    message(message: FromHost): void;
    line(line: string): void;
    exit(how: string): void;
  };
}

/**
 * Child processes that run stages, started when needed and used again, but for a user's own stage, whose process ends
 * with it, and one that lost its graphics device. A process that crashes, or is killed, fails the one stage it ran. At most as many exist as requests run at once,
 * and for each graphics device that is lent.
 */
export class HostPool implements Hosts {
  readonly #options: HostOptions;
  readonly #hosts = new Set<Host>();
  readonly #idle: Host[] = [];

  readonly #redact: <T>(value: T) => T;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#redact = createRedactor(secretsFrom(options.secrets ?? [], options.environment));
  }

  async run(
    request: HostRequest,
    listener: HostListener,
    signal: AbortSignal,
  ): Promise<HostOutcome> {
    const gpus = request.device.gpus?.join();
    const host = this.#takeIdle(gpus) ?? this.#start(gpus);
    const send = (message: ToHost) => host.process.connected && host.process.send(message);
    return new Promise((resolve) => {
      let killTimer: NodeJS.Timeout | undefined;
      let before: readonly LivingProcess[] = [];
      const abort = () => {
        // What outlives its parent from here on could not be found any more.
        if (host.process.pid !== undefined) before = descendantsOf(host.process.pid);
        send({ type: "abort" });
        killTimer = setTimeout(() => endHost(host, before), ABORT_GRACE_MS);
      };
      let ended: HostOutcome | undefined;
      const end = (outcome: HostOutcome) => {
        ended = outcome;
        // What it printed lies in the pipes by now; the next turn of the event loop reads them.
        setImmediate(() => setImmediate(() => finish(outcome, true)));
      };
      const finish = (outcome: HostOutcome, reusable: boolean) => {
        if (host.listener === undefined) return;
        clearTimeout(killTimer);
        signal.removeEventListener("abort", abort);
        delete host.listener;
        // An interrupted stage may have left processes of its own behind, a user's own stage anything.
        if (signal.aborted || request.own !== undefined || hasLostDevice(outcome))
          endHost(host, before);
        else if (reusable) this.#idle.push(host);
        resolve(outcome);
      };
      host.listener = {
        line: listener.log,
        message(message) {
          if (message.type === "log") listener.log(message.line);
          else if (message.type === "progress") listener.progress(message.progress);
          else if (message.type === "checkpoint") listener.checkpoint?.(message.change);
          else if (message.type === "done") end({ state: "done", result: message.result });
          else if (message.type === "failed") end({ state: "failed", failure: message.failure });
        },
        exit: (how) =>
          finish(ended ?? { state: "failed", failure: crashOf(how, signal.aborted) }, false),
      };
      signal.addEventListener("abort", abort);
      const { secrets } = this.#options;
      send({ type: "run", request: { ...request, ...(secrets && { secrets }) } });
      if (signal.aborted) abort();
    });
  }

  /** Ends all host processes. */
  close(): void {
    for (const host of this.#hosts) endHost(host);
  }

  #takeIdle(gpus: string | undefined): Host | undefined {
    const index = this.#idle.findLastIndex((host) => gpus === undefined || host.gpus === gpus);
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0];
  }

  #start(gpus: string | undefined): Host {
    const { module, args, environment, cwd } = this.#options;
    const child = fork(module, args, {
      cwd,
      env: environment as NodeJS.ProcessEnv,
      // A group of its own, so that all that a stage starts can be ended with it.
      detached: true,
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const host: Host = { process: child, gpus };
    this.#hosts.add(host);
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) =>
        host.listener?.line(this.#redact(line)),
      );
    }
    child.on("message", (message) => host.listener?.message(this.#redact(message as FromHost)));
    child.on("error", () => {}); // a process that cannot start also exits
    // "close" waits for all that hold its output: what a crashed stage had started ends with it.
    child.on("exit", () => endHost(host));
    child.on("close", (code, killedBy) => {
      this.#hosts.delete(host);
      const index = this.#idle.indexOf(host);
      if (index >= 0) this.#idle.splice(index, 1);
      host.listener?.exit(
        killedBy === null ? `ended with exit code ${code}` : `was killed by ${killedBy}`,
      );
    });
    return host;
  }
}

/** What a driver refuses once it refuses for as long as the process lives. */
function hasLostDevice(outcome: HostOutcome): boolean {
  if (outcome.state === "done") return false;
  const { failure } = outcome;
  return "problem" in failure && failure.problem.code === "device-lost";
}

/** Ends a host process with all that its stages started. */
function endHost({ process }: Host, before: readonly LivingProcess[] = []): void {
  if (process.pid !== undefined) killTree(process.pid, before);
}

function crashOf(how: string, interrupted: boolean): HostFailure {
  if (interrupted) {
    return {
      reason: "interrupted",
      problem: { code: "interrupted", message: "The stage was interrupted." },
    };
  }
  const hint = how.includes("SIGKILL")
    ? "the system kills processes when memory runs out: try a smaller batch size or fewer --jobs"
    : "the end of its log may tell why";
  return {
    reason: "crash",
    problem: { code: "host-died", message: `The stage's process ${how}.`, hint },
  };
}
