import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SevenStagesRun } from "./seven-stages.ts";

/** A process that runs pipelines on demand, over a shared cache. */
export interface PipelineWorker {
  run(word: string): Promise<SevenStagesRun>;
  kill(): void;
  /** Its exit status, or the signal that ended it, with what it wrote to stderr. */
  stop(): Promise<string>;
}

/** Starts a worker process; resolves once it waits for words. */
export async function startWorker(
  root: string,
  project: string,
  { graceMilliseconds }: { graceMilliseconds?: number } = {},
): Promise<PipelineWorker> {
  const script = fileURLToPath(new URL("pipeline-worker.ts", import.meta.url));
  const child = spawn(process.execPath, [
    "--import",
    "tsx",
    script,
    root,
    project,
    `${graceMilliseconds ?? ""}`,
  ]);
  let complaints = "";
  child.stderr.on("data", (text) => (complaints += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<string>((resolve) => {
    child.on("close", (code, signal) => resolve(`${signal ?? code}${complaints}`));
  });
  await lines.next();
  return {
    async run(word) {
      child.stdin.write(`${word}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`the worker ended: ${await ended}`);
      return JSON.parse(value) as SevenStagesRun;
    },
    kill: () => child.kill("SIGKILL"),
    stop() {
      child.stdin.end();
      return ended;
    },
  };
}
