import { namingPath, namingPathSync } from "./cache-error.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { removeIfPresent } from "./durable-file.ts";
import { manifestName, newestFirst, traceOf } from "./manifest.ts";
import { allManifests, manifestPath, manifestsOf, writeManifest } from "./manifest-files.ts";
import { seal, unseal } from "./sealed-json.ts";
import type { Prepare, SqliteIndex, TraceRow } from "./sqlite-index.ts";
import type { Json, RunRecord, Trace, TraceKey, TraceStore } from "./trace-store.ts";
import { isTraceKey } from "./trace-store.ts";

const keptRuns = 1000;

/**
 * Traces as manifest files, found through SQLite. What the index cannot answer, or answers wrongly,
 * is looked up in the manifests.
 */
export class SqliteTraceStore implements TraceStore {
  readonly #folder: CacheFolder;
  readonly #index: SqliteIndex;

  constructor(folder: CacheFolder, index: SqliteIndex) {
    this.#folder = folder;
    this.#index = index;
  }

  find(key: TraceKey): readonly Trace[] {
    const rows = this.#index.read(
      (prepare) =>
        prepare("SELECT file, key, manifest FROM traces WHERE key = ?").all(key) as TraceRow[],
      [],
    );
    const traces = rows.map(soundTrace).filter((trace) => trace !== undefined);
    if (traces.length > 0 && traces.length === rows.length) return traces.sort(newestFirst);
    return this.#findInManifests(key, rows);
  }

  /** All traces that the index has, as they were written. */
  indexed(): readonly Trace[] {
    const rows = this.#index.read(
      (prepare) => prepare("SELECT file, key, manifest FROM traces").all() as TraceRow[],
      [],
    );
    return rows.map(soundTrace).filter((trace) => trace !== undefined);
  }

  record(trace: Trace): Promise<void> {
    return namingPath("write to the cache", this.#folder.root, async () => {
      const text = await writeManifest(this.#folder, trace);
      this.#index.write((prepare) => insertRow(prepare, rowOf(trace, text)));
    });
  }

  forget(trace: Pick<Trace, "key" | "outputs">): Promise<void> {
    const path = manifestPath(this.#folder, trace);
    return namingPath("remove", path, async () => {
      await removeIfPresent(this.#folder.fileSystem, path);
      this.#index.write((prepare) => {
        prepare("DELETE FROM traces WHERE file = ?").run(fileOf(trace));
      });
    });
  }

  recent({
    pipeline,
    stage,
    limit = 10,
  }: {
    pipeline: string;
    stage: string;
    limit?: number;
  }): readonly Trace[] {
    const sql = "SELECT key FROM stages WHERE pipeline = ? AND stage = ? ORDER BY run DESC LIMIT ?";
    const keys = this.#index.read(
      (prepare) => prepare(sql).pluck().all(pipeline, stage, limit),
      [],
    );
    return keys.filter(isTraceKey).flatMap((key) => this.find(key).slice(0, 1));
  }

  recordRun(run: RunRecord): void {
    this.#index.write((prepare) => {
      const record = seal(run as unknown as Json);
      const number = prepare(
        "INSERT OR REPLACE INTO runs (id, pipeline, record) VALUES (?, ?, ?)",
      ).run(run.id, run.pipeline, record).lastInsertRowid;
      const used = prepare("INSERT OR REPLACE INTO stages VALUES (?, ?, ?, ?)");
      for (const { stage, key } of run.stages) {
        if (key !== undefined) used.run(run.pipeline, stage, key, number);
      }
      prepare("DELETE FROM runs WHERE number <= ?").run(Number(number) - keptRuns);
    });
  }

  lastRuns({
    pipeline,
    limit = 20,
  }: {
    pipeline?: string;
    limit?: number;
  } = {}): readonly RunRecord[] {
    const rows = this.#index.read((prepare) => {
      const all = prepare("SELECT record FROM runs ORDER BY number DESC LIMIT ?").pluck();
      if (pipeline === undefined) return all.all(limit);
      return prepare("SELECT record FROM runs WHERE pipeline = ? ORDER BY number DESC LIMIT ?")
        .pluck()
        .all(pipeline, limit);
    }, []);
    const records = rows.map((row) => unseal(String(row)));
    return records.filter((record) => record !== undefined) as unknown as RunRecord[];
  }

  close(): void {
    this.#index.close();
  }

  /**
   * A row may be missing after a power cut or a kill, or be damaged: the manifests know, and mend
   * it.
   */
  #findInManifests(key: TraceKey, rows: readonly TraceRow[]): readonly Trace[] {
    const found = namingPathSync("read manifests in", this.#folder.root, () =>
      manifestsOf(this.#folder, key),
    );
    const damaged = rows.filter((row) => soundTrace(row) === undefined);
    if (found.length + damaged.length > 0) {
      this.#index.write((prepare) => {
        for (const { file } of damaged) prepare("DELETE FROM traces WHERE file = ?").run(file);
        for (const { text, trace } of found) insertRow(prepare, rowOf(trace, text));
      });
    }
    return found.map(({ trace }) => trace).sort(newestFirst);
  }
}

/** The rows of all manifests, for a new index. */
export function* rowsOfManifests(folder: CacheFolder): Generator<TraceRow> {
  for (const { trace, text } of allManifests(folder)) yield rowOf(trace, text);
}

function rowOf(trace: Trace, manifest: string): TraceRow {
  return { file: fileOf(trace), key: trace.key, manifest };
}

/** The name of a trace's manifest among all manifests, which is its name in the index. */
export function fileOf(trace: Pick<Trace, "key" | "outputs">): string {
  return `${trace.key.slice(0, 2)}/${manifestName(trace)}`;
}

/** The trace of a row, unless anything in the row is not as it was written. */
function soundTrace({ file, key, manifest }: TraceRow): Trace | undefined {
  const trace = traceOf(String(manifest));
  if (typeof trace === "string" || trace.key !== key || fileOf(trace) !== file) return undefined;
  return trace;
}

function insertRow(prepare: Prepare, { file, key, manifest }: TraceRow): void {
  prepare("INSERT OR REPLACE INTO traces VALUES (?, ?, ?)").run(file, key, manifest);
}
