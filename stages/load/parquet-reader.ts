import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { FileMetaData } from "hyparquet";

/** No page may become larger: a few bytes of a stranger's file must not take all memory. */
const PAGE_LIMIT_BYTES = 256 * 1024 * 1024;
const METADATA_LIMIT_BYTES = 64 * 1024 * 1024;
const MEMORY_MEBIBYTES = 8192;
/** A hundred times what honest files need. */
const DEADLINE_SECONDS = 10;
const DEADLINE_SECONDS_PER_MEBIBYTE = 5;

// In JavaScript, since a worker's file would be named otherwise in a built package. Texts stay bytes until it is known
// in which row and column they are.
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { path, pageLimit, metadataLimit } = workerData;
const isoTime = (milliseconds) => new Date(milliseconds).toISOString();
const parsers = {
  stringFromBytes: (bytes) => bytes,
  jsonFromBytes: (bytes) => bytes,
  timestampFromMilliseconds: (time) => isoTime(Number(time)),
  timestampFromMicroseconds: (time) => isoTime(Number(time / 1000n)),
  timestampFromNanoseconds: (time) => isoTime(Number(time / 1000000n)),
  dateFromDays: (days) => isoTime(days * 86400000).slice(0, 10),
};
function limited(decompress) {
  return (input, length) => {
    if (length > pageLimit) throw new RangeError("a page has " + length + " bytes");
    return decompress(input, length);
  };
}
async function open() {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead } = await import(workerData.hyparquet);
  const { compressors: all } = await import(workerData.compressors);
  const compressors = Object.fromEntries(Object.entries(all).map(([name, decompress]) => [name, limited(decompress)]));
  const file = await asyncBufferFromFile(path);
  if (file.byteLength < 12) throw new RangeError("it is too short");
  const end = new DataView(await file.slice(file.byteLength - 8, file.byteLength));
  if (end.getUint32(4, true) === 0x45524150) throw new RangeError("it is encrypted");
  if (end.getUint32(4, true) === 0x31524150 && end.getUint32(0, true) > metadataLimit) throw new RangeError("its metadata is too large");
  const options = { file, parsers, compressors, geoparquet: false, utf8: false };
  const metadata = await parquetMetadataAsync(file, options);
  parentPort.on("message", (range) => answer(async () => {
    let rows = [];
    await parquetRead({ ...options, ...range, metadata, onComplete: (read) => { rows = read; } });
    return rows;
  }));
  return metadata;
}
async function answer(work) {
  try {
    parentPort.postMessage({ value: await work() });
  } catch (error) {
    parentPort.postMessage({ error: String(error?.message ?? error) });
  }
}
process.on("unhandledRejection", () => {}); // of columns beside the one that is told of
answer(open);`;

type Answer<T> = { readonly value: T } | { readonly error: string };

/**
 * Reads a Parquet file, which may come from a stranger, in a thread of its own: it is ended where it takes too long or
 * too much memory. What is wrong with the file is thrown as a RangeError.
 */
export class ParquetReader {
  readonly #worker: Worker;

  constructor(path: string) {
    const found = (name: string) => import.meta.resolve(name);
    const limits = { pageLimit: PAGE_LIMIT_BYTES, metadataLimit: METADATA_LIMIT_BYTES };
    const packages = { hyparquet: found("hyparquet"), compressors: found("hyparquet-compressors") };
    this.#worker = new Worker(PROGRAM, {
      eval: true,
      env: {},
      execArgv: [],
      workerData: { path, ...packages, ...limits },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MEBIBYTES },
    });
  }

  /** To be called first, and once. */
  metadata(): Promise<FileMetaData> {
    return this.#answer(DEADLINE_SECONDS);
  }

  /** Rows by number, from 0, `bytes` in the file: values of texts are bytes, those of times texts. */
  rows(
    range: { readonly rowStart: number; readonly rowEnd: number },
    bytes: number,
  ): Promise<readonly (readonly unknown[])[]> {
    this.#worker.postMessage(range);
    return this.#answer(DEADLINE_SECONDS + (bytes / 2 ** 20) * DEADLINE_SECONDS_PER_MEBIBYTE);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #answer<T>(seconds: number): Promise<T> {
    const listening = new AbortController();
    const { signal } = listening;
    const worker = this.#worker;
    const timer = setTimeout(() => worker.terminate(), seconds * 1000);
    try {
      const answer = await Promise.race([
        once(worker, "message", { signal }).then(([found]) => found as Answer<T>),
        once(worker, "exit", { signal }).then(() => ({ error: "that takes too long" })),
      ]);
      if ("error" in answer) throw new RangeError(answer.error);
      return answer.value;
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
      throw new RangeError(`that takes more than ${MEMORY_MEBIBYTES} MiB of memory`);
    } finally {
      clearTimeout(timer);
      listening.abort();
    }
  }
}
