import { setTimeout as wait } from "node:timers/promises";
import type { Event } from "../event.ts";
import type { PipelineStage } from "../pipeline/pipeline.ts";
import type { DeviceRequest, Json, OutputPorts, Progress } from "../stage.ts";
import type { HostOutcome, Hosts } from "./host-pool.ts";
import type { HostRequest } from "./host-protocol.ts";
import { replaceAt } from "./recipe.ts";
import type { Granted } from "./slot-pool.ts";

/** What running a stage in a host needs. */
export interface AttemptOptions {
  readonly hosts: Hosts;
  readonly device: DeviceRequest;
  readonly signal: AbortSignal;
  emit(event: Event): void;
}

/** The work of a stage for a host, its paths absolute. What another stage has written to the workspace is read from there. */
export function requestOf(
  { kind, params, seed, sources, written = [] }: PipelineStage,
  trees: HostRequest["inputs"],
): Omit<HostRequest, "device"> {
  let absolute: Json = params;
  const named = sources.filter(({ module }) => module === undefined);
  for (const path of [...named, ...written]) absolute = replaceAt(absolute, path.at, path.absolute);
  const ports = new Set(written.map(({ port }) => port));
  const inputs = Object.fromEntries(Object.entries(trees).filter(([port]) => !ports.has(port)));
  const own = kind.code && { code: kind.code, path: pathOfOwn(sources) };
  return { kind: kind.kind, params: absolute, seed, inputs, ...(own && { own }) };
}

/** Where a user's own stage lies: for `verify`, in another folder than its kind was read from. */
function pathOfOwn(sources: PipelineStage["sources"]): string {
  const file = sources.find(({ module }) => module === ".");
  if (file === undefined) throw new Error("internal: an own stage without its file");
  return file.absolute;
}

const MOST_WAIT_SECONDS = 60;

/**
 * Runs a stage in a host, within its time limit and as often as its `retries` allow; the wait before an attempt
 * doubles each time. All attempts are in the stage's log. Never rejects.
 */
export async function runAttempts(
  stage: PipelineStage,
  work: Omit<HostRequest, "device">,
  { gpus, lacking }: Granted,
  options: AttemptOptions,
): Promise<HostOutcome> {
  const { choose, outputs } = stage.kind;
  if (choose !== undefined) return passOn(outputs, work.inputs);
  if (lacking !== undefined) return { state: "failed", failure: lackingResources(lacking) };
  const device = gpus.length > 0 ? { ...options.device, gpus } : options.device;
  const log = (line: string) =>
    options.emit({ type: "stage", stage: stage.name, state: "log", line });
  const { times, wait: firstWait } = stage.retries ?? { times: 0, wait: 0 };
  for (let attempt = 1; ; attempt++) {
    const outcome = await runOnce(stage, { ...work, device }, log, options);
    if (outcome.state === "done" || !isWorthRepeating(outcome) || attempt > times) return outcome;
    const seconds = Math.min(MOST_WAIT_SECONDS, firstWait * 2 ** (attempt - 1));
    const { message } = outcome.failure.problem;
    const of = `attempt ${attempt} of ${times + 1}`;
    log(`${of} failed: ${message}`);
    const notice = `"${stage.name}": ${of} failed, the next starts in ${seconds} s: ${message.split("\n")[0]}`;
    options.emit({ type: "notice", code: "retry", stage: stage.name, message: notice });
    await wait(seconds * 1000, undefined, { signal: options.signal }).catch(() => {});
    if (options.signal.aborted) return outcome;
  }
}

/** A stage that chooses has been given only what it chose: its first output is that. */
function passOn(outputs: OutputPorts, inputs: HostRequest["inputs"]): HostOutcome {
  const [port = ""] = Object.keys(outputs);
  const [tree] = Object.values(inputs);
  if (tree === undefined) throw new Error("internal: a stage passes on nothing");
  return { state: "done", result: { outputs: { [port]: tree }, metrics: {} } };
}

function isWorthRepeating({ failure }: HostOutcome & { readonly state: "failed" }): boolean {
  return failure.reason === "error" || failure.reason === "crash";
}

async function runOnce(
  stage: PipelineStage,
  request: HostRequest,
  log: (line: string) => void,
  { hosts, signal, emit }: AttemptOptions,
): Promise<HostOutcome> {
  const progress = (progress: Progress) =>
    emit({ type: "stage", stage: stage.name, state: "progress", progress });
  if (stage.timeout === undefined) return hosts.run(request, { log, progress }, signal);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error("timeout")), stage.timeout * 1000);
  const either = AbortSignal.any([signal, limit.signal]);
  const outcome = await hosts.run(request, { log, progress }, either);
  clearTimeout(timer);
  if (outcome.state === "done" || !limit.signal.aborted || signal.aborted) return outcome;
  const problem = {
    code: "timeout",
    message: `The stage took longer than its timeout of ${stage.timeout} s and was ended, with all that it had started${whereOf(stage)}.`,
    hint: 'give it more time: "timeout: 2h"',
  };
  return { state: "failed", failure: { reason: "error", problem } };
}

/** Of a user's own stage, where it hangs is not known: where its work begins is. */
function whereOf({ kind, sources }: PipelineStage): string {
  return kind.code === undefined ? "" : `: run() of ${pathOfOwn(sources)}:${kind.code.runsAt}`;
}

function lackingResources(lacking: string) {
  const problem = {
    code: "resources-unavailable",
    message: `The stage asks for more than this machine has: ${lacking}.`,
    hint: 'lower its "resources", or say what the machine has in your own configuration ("slots")',
  };
  return { reason: "error" as const, problem };
}
