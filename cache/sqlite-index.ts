import Database from "better-sqlite3";
import { CacheError, errnoOf } from "./cache-error.ts";
import { type CacheFolder, quarantine } from "./cache-folder.ts";
import type { FileFacts } from "./file-system.ts";

/**
 * Bump on any change to `tables`: an index of another version is thrown away and filled again from
 * the manifests.
 */
const schemaVersion = 3;
// "tune" in ASCII: tells our index from another program's file.
const applicationId = 0x74756e65;

const tables = `
  CREATE TABLE traces (file TEXT PRIMARY KEY, key TEXT NOT NULL, manifest TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX traces_by_key ON traces (key);
  CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pipeline TEXT NOT NULL, record TEXT NOT NULL);
  CREATE INDEX runs_by_pipeline ON runs (pipeline, number);
  CREATE TABLE stages (pipeline TEXT NOT NULL, stage TEXT NOT NULL, key TEXT NOT NULL, run INTEGER NOT NULL,
    PRIMARY KEY (pipeline, stage, key)) WITHOUT ROWID;
  CREATE TABLE claims (key TEXT PRIMARY KEY, nonce TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL,
    started TEXT NOT NULL, beat REAL NOT NULL) WITHOUT ROWID;
  CREATE INDEX claims_by_nonce ON claims (nonce);
  CREATE TABLE leases (nonce TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, started TEXT NOT NULL,
    beat REAL NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE uses (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE roots (path TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE chores (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE file_digests (path TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
`;

/**
 * Older versions can damage a database in WAL mode when two processes write:
 * https://sqlite.org/wal.html#walresetbug
 */
const oldestSafeSqlite = [3, 51, 3] as const;
const busyMilliseconds = 10_000;

/** Prepares a query, once for each text. */
export type Prepare = (sql: string) => Database.Statement<unknown[]>;

/** A row of the table of traces. */
export interface TraceRow {
  readonly file: string;
  readonly key: string;
  readonly manifest: string;
}

/**
 * The SQLite file of a cache. Only an index: what it holds can be found again in the manifests, or
 * is mere explanation. So a file that is damaged or of another version is set aside, a missing one
 * filled again, and one that is out of reach done without.
 *
 * It runs in WAL mode, synchronous NORMAL: a kill loses nothing, a power cut may lose the last rows
 * (their manifests are on the disk and are found without them), never order or integrity. FULL
 * would cost an fsync for each row to protect what is protected already.
 */
export class SqliteIndex {
  readonly #folder: CacheFolder;
  readonly #rows: () => Iterable<TraceRow>;
  readonly #statements = new Map<string, Database.Statement<unknown[]>>();
  #database: Database.Database | undefined;
  #opened: FileFacts | undefined;
  #isClosed = false;

  /** `rows` gives what a new index is filled with. */
  constructor(folder: CacheFolder, rows: () => Iterable<TraceRow>) {
    this.#folder = folder;
    this.#rows = rows;
  }

  /**
   * Runs queries that only read. Returns `otherwise` where the index is out of reach: locked for 10
   * seconds, disk full, read-only.
   */
  read<T>(use: (prepare: Prepare) => T, otherwise: T): T {
    return this.#attempt((database) => use((sql) => this.#prepare(database, sql)), otherwise);
  }

  /**
   * Runs queries in one transaction that writes; without effect where the index is out of reach.
   */
  write(use: (prepare: Prepare) => void): void {
    const transact = (database: Database.Database) =>
      database.transaction(() => use((sql) => this.#prepare(database, sql))).immediate();
    this.#attempt<void>(transact, undefined);
  }

  /** `write` for what must not be left out: throws a CacheError (`cache-io`) instead. */
  transact<T>(use: (prepare: Prepare) => T): T {
    let outcome: { readonly value: T } | undefined;
    this.write((prepare) => {
      outcome = { value: use(prepare) };
    });
    if (outcome !== undefined) return outcome.value;
    throw new CacheError("cache-io", `The index ${this.#folder.index} cannot be written.`, {
      hint: "Check that the disk has room and who owns the file, or try again when other runs have ended.",
    });
  }

  /** Releases the file. The index cannot be used afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  #attempt<T>(use: (database: Database.Database) => T, otherwise: T): T {
    if (this.#isClosed) throw new Error("internal: the cache is closed");
    try {
      return use(this.#open());
    } catch (error) {
      const verdict = verdictOn(error);
      if (verdict === "out-of-reach") return otherwise;
      if (verdict !== "damaged") throw error;
    }
    this.#setAside();
    try {
      return use(this.#open());
    } catch (error) {
      // Damaged again at once: the disk is beyond an index, the manifests must do.
      const isMistake = isSqliteError(error) && error.code === "SQLITE_ERROR";
      if (isMistake || verdictOn(error) === "other") throw error;
      return otherwise;
    }
  }

  #open(): Database.Database {
    if (this.#database !== undefined) return this.#database;
    const { index, fileSystem } = this.#folder;
    for (const path of [index, `${index}-wal`, `${index}-shm`]) {
      const kind = fileSystem.factsSync(path)?.kind;
      if (kind !== undefined && kind !== "file") quarantine(this.#folder, path);
    }
    this.#opened = fileSystem.factsSync(index);
    const database = connect(index);
    try {
      configure(database, this.#rows);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
    return database;
  }

  #prepare(database: Database.Database, sql: string): Database.Statement<unknown[]> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #release(): void {
    this.#statements.clear();
    const database = this.#database;
    this.#database = undefined;
    database?.close();
  }

  /**
   * Moves the damaged file out of the way, unless another process has put a new one there since it
   * was opened.
   */
  #setAside(): void {
    const opened = this.#opened;
    this.#release();
    const { index, fileSystem } = this.#folder;
    const now = fileSystem.factsSync(index);
    if (opened !== undefined && now?.inode !== opened.inode) return;
    quarantine(this.#folder, index);
    quarantine(this.#folder, `${index}-wal`);
    quarantine(this.#folder, `${index}-shm`);
  }
}

class ForeignSchema extends Error {}

function connect(path: string): Database.Database {
  try {
    return new Database(path, { timeout: busyMilliseconds });
  } catch (error) {
    if (isSqliteError(error) || error instanceof TypeError) throw error;
    throw new CacheError("sqlite-unavailable", "The SQLite module could not be loaded.", {
      hint: "Run `npm rebuild better-sqlite3`; on a machine without a prebuilt binary this needs a C++ compiler.",
      cause: error,
    });
  }
}

function configure(database: Database.Database, rows: () => Iterable<TraceRow>): void {
  const version = database.prepare("SELECT sqlite_version()").pluck().get() as string;
  if (!isSafeSqlite(version)) {
    throw new CacheError(
      "sqlite-too-old",
      `SQLite ${version} can damage a cache that several runs share.`,
      {
        hint: `Reinstall so that better-sqlite3 brings SQLite ${oldestSafeSqlite.join(".")} or newer.`,
      },
    );
  }
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  if (isCurrent(database)) return;
  // Another process may be creating it: the first to get the lock fills it, in one transaction.
  const create = database.transaction(() => {
    if (isCurrent(database)) return;
    const count = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
    if (count !== 0) throw new ForeignSchema();
    database.exec(tables);
    const insert = database.prepare(
      "INSERT OR REPLACE INTO traces VALUES (@file, @key, @manifest)",
    );
    for (const row of rows()) insert.run(row);
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${schemaVersion}`);
  });
  create.immediate();
}

function isCurrent(database: Database.Database): boolean {
  return (
    database.pragma("application_id", { simple: true }) === applicationId &&
    database.pragma("user_version", { simple: true }) === schemaVersion
  );
}

/**
 * Whether a version of SQLite, as `3.51.3`, is new enough to share a database in WAL mode safely.
 */
export function isSafeSqlite(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [i, oldest] of oldestSafeSqlite.entries()) {
    const part = parts[i] ?? 0;
    if (part !== oldest) return part > oldest;
  }
  return true;
}

function isSqliteError(error: unknown): error is InstanceType<typeof Database.SqliteError> {
  return error instanceof Database.SqliteError;
}

const outOfReach =
  /^SQLITE_(BUSY|LOCKED|FULL|READONLY|IOERR|CANTOPEN|PERM|AUTH|NOMEM|NOLFS|PROTOCOL)/;

function verdictOn(error: unknown): "out-of-reach" | "damaged" | "other" {
  if (error instanceof ForeignSchema) return "damaged";
  // A damaged schema can lose a table or a column, which SQLite reports like a mistake in the
  // query.
  if (isSqliteError(error)) return outOfReach.test(error.code) ? "out-of-reach" : "damaged";
  if (errnoOf(error) !== undefined) return "out-of-reach";
  const isFolderGone = error instanceof TypeError && /directory does not exist/.test(error.message);
  return isFolderGone ? "out-of-reach" : "other";
}
