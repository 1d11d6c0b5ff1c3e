import { manifestName, newestFirst } from "./manifest.ts";
import type { RunRecord, Trace, TraceKey, TraceStore } from "./trace-store.ts";

/** Traces and runs in this process's memory, for tests. */
export class MemoryTraceStore implements TraceStore {
  readonly #traces = new Map<TraceKey, Map<string, Trace>>();
  #runs: RunRecord[] = [];

  find(key: TraceKey): readonly Trace[] {
    return [...(this.#traces.get(key)?.values() ?? [])].sort(newestFirst);
  }

  async record(trace: Trace): Promise<void> {
    const traces = this.#traces.get(trace.key) ?? new Map<string, Trace>();
    this.#traces.set(trace.key, traces.set(manifestName(trace), trace));
  }

  async forget(trace: Pick<Trace, "key" | "outputs">): Promise<void> {
    this.#traces.get(trace.key)?.delete(manifestName(trace));
  }

  recent(asked: { pipeline: string; stage: string; limit?: number }): readonly Trace[] {
    const keys = this.#runs
      .filter(({ pipeline }) => pipeline === asked.pipeline)
      .flatMap(({ stages }) => stages.filter(({ stage }) => stage === asked.stage))
      .flatMap(({ key }) => (key === undefined ? [] : [key]));
    return [...new Set(keys)]
      .slice(0, asked.limit ?? 10)
      .flatMap((key) => this.find(key).slice(0, 1));
  }

  recordRun(run: RunRecord): void {
    this.#runs = [run, ...this.#runs.filter(({ id }) => id !== run.id)];
  }

  lastRuns({
    pipeline,
    limit = 20,
  }: {
    pipeline?: string;
    limit?: number;
  } = {}): readonly RunRecord[] {
    return this.#runs
      .filter((run) => pipeline === undefined || run.pipeline === pipeline)
      .slice(0, limit);
  }

  close(): void {}
}
