import { bitsOf, compareDtypes, type Dtype, isDtype } from "./dtype.ts";
import { ModelError } from "./model-error.ts";
import { parseStrictJson } from "./strict-json.ts";

/** Where a tensor lies: its bytes are [begin, end) of the whole file. */
export interface TensorEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a file's header says, after every check. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** A tensor as raw little-endian bytes. */
export interface RawTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const PREFIX_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/**
 * The length in bytes of the JSON header, from the file's first 8 bytes and its size.
 * https://github.com/huggingface/safetensors#format
 */
export function headerLength(prefix: Uint8Array, fileBytes: number): number {
  if (fileBytes < PREFIX_BYTES || prefix.byteLength < PREFIX_BYTES)
    throw invalid("too-short", `has ${fileBytes} bytes; the header's length alone takes 8`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  const length = view.getBigUint64(0, true); // a number would round above 2^53 and could wrap
  if (length > BigInt(MAX_HEADER_BYTES))
    throw invalid(
      "header-too-large",
      `claims a header of ${length} bytes (at most ${MAX_HEADER_BYTES})`,
    );
  if (PREFIX_BYTES + Number(length) > fileBytes)
    throw invalid(
      "header-truncated",
      `claims a header of ${length} bytes but has only ${fileBytes} bytes`,
    );
  return Number(length);
}

/**
 * Checks and reads the JSON header of a file of `fileBytes` bytes: names unique, tensors covering
 * the rest of the file without a hole, an overlap or a trailing byte, sizes equal to shape x dtype.
 */
export function parseHeader(json: Uint8Array, fileBytes: number): SafetensorsHeader {
  const fields = parseStrictJson(decodeUtf8(json), (problem) => invalid("header-json", problem));
  if (!isRecord(fields)) throw invalid("header-json", "header is not a JSON object");
  const dataStart = PREFIX_BYTES + json.byteLength;
  let metadata: ReadonlyMap<string, string> = new Map();
  const entries: [string, TensorEntry][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === "__metadata__") metadata = parseMetadata(value);
    else entries.push([name, parseEntry(name, value, dataStart)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCover(entries, dataStart, fileBytes);
  return { metadata, tensors: new Map(entries) };
}

/** The header and the tensors of a whole file in memory; the tensors' bytes are views of it. */
export function parseSafetensors(file: Uint8Array): {
  metadata: ReadonlyMap<string, string>;
  tensors: ReadonlyMap<string, RawTensor>;
} {
  const length = headerLength(file.subarray(0, PREFIX_BYTES), file.byteLength);
  const header = parseHeader(file.subarray(PREFIX_BYTES, PREFIX_BYTES + length), file.byteLength);
  const tensors = new Map<string, RawTensor>();
  for (const [name, { dtype, shape, begin, end }] of header.tensors)
    tensors.set(name, { dtype, shape, bytes: file.subarray(begin, end) });
  return { metadata: header.metadata, tensors };
}

/**
 * The bytes of a file holding the tensors: the same tensors give the same bytes, whatever their
 * order (sorted by alignment, then by name in UTF-8; header padded with spaces to 8 bytes).
 */
export function formatSafetensors(
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: ReadonlyMap<string, string> = new Map([["format", "pt"]]),
): Uint8Array {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      compareDtypes(a.dtype, b.dtype) || Buffer.compare(Buffer.from(nameA), Buffer.from(nameB)),
  );
  const header = Buffer.from(headerJson(sorted, metadata));
  if (header.byteLength > MAX_HEADER_BYTES)
    throw invalid(
      "header-too-large",
      `needs a header of ${header.byteLength} bytes (at most ${MAX_HEADER_BYTES})`,
    );
  let at = PREFIX_BYTES + header.byteLength;
  const file = new Uint8Array(sorted.reduce((sum, [, { bytes }]) => sum + bytes.byteLength, at));
  new DataView(file.buffer).setBigUint64(0, BigInt(header.byteLength), true);
  file.set(header, PREFIX_BYTES);
  for (const [, { bytes }] of sorted) {
    file.set(bytes, at);
    at += bytes.byteLength;
  }
  return file;
}

/** Written by hand because an object would move names like "0" to the front. */
function headerJson(
  sorted: readonly [string, RawTensor][],
  metadata: ReadonlyMap<string, string>,
): string {
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
    const body = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    fields.push(`"__metadata__":{${body.join(",")}}`);
  }
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    if (name === "__metadata__" || /\p{Surrogate}/u.test(name))
      throw invalid("tensor-name", `cannot hold a tensor named ${JSON.stringify(name)}`);
    if (byteSize(name, dtype, shape) !== bytes.byteLength)
      throw invalid(
        "tensor-size",
        `tensor "${name}" ${dtype} [${shape}] has ${bytes.byteLength} bytes`,
      );
    const offsets = `[${at},${at + bytes.byteLength}]`;
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":${offsets}}`,
    );
    at += bytes.byteLength;
  }
  const json = `{${fields.join(",")}}`;
  return json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid("header-utf8", "header is not UTF-8");
  }
}

function parseMetadata(value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) throw invalid("metadata", "__metadata__ is not an object");
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string")
      throw invalid("metadata", `__metadata__ "${key}" is not a string`);
    metadata.set(key, text);
  }
  return metadata;
}

function parseEntry(name: string, value: unknown, dataStart: number): TensorEntry {
  if (!isRecord(value))
    throw invalid("tensor-entry", `tensor "${name}" is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype))
    throw invalid("tensor-dtype", `tensor "${name}" has dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw invalid("tensor-shape", `tensor "${name}" has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw invalid("tensor-offsets", `tensor "${name}" has no valid data_offsets`);
  const [begin, end] = offsets as [number, number];
  const bytes = byteSize(name, dtype, shape);
  if (end < begin || end - begin !== bytes)
    throw invalid(
      "tensor-size",
      `tensor "${name}" ${dtype} [${shape}] lies in bytes ${begin} to ${end}`,
    );
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** Sizes must tile the file exactly: a hole or a tail could hide another file. */
function checkCover(
  entries: readonly [string, TensorEntry][],
  dataStart: number,
  fileBytes: number,
): void {
  let at = dataStart;
  for (const [name, { begin, end }] of entries) {
    if (begin !== at)
      throw invalid(
        "offsets-not-contiguous",
        `tensor "${name}" begins at ${begin}, expected ${at}`,
      );
    at = end;
  }
  if (at !== fileBytes)
    throw invalid("data-length", `has ${fileBytes} bytes, its tensors end at ${at}`);
}

function byteSize(name: string, dtype: Dtype, shape: readonly number[]): number {
  let bits = bitsOf(dtype);
  for (const size of shape) {
    bits *= size;
    if (!Number.isSafeInteger(bits))
      throw invalid("tensor-overflow", `tensor "${name}" has an impossible shape`);
  }
  if (bits % 8 !== 0)
    throw invalid("tensor-size", `tensor "${name}" ${dtype} does not end at a whole byte`);
  return bits / 8;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function invalid(kind: string, problem: string): ModelError {
  return new ModelError(
    `safetensors-${kind}`,
    `Not a valid safetensors file: ${problem}.`,
    "The file may be damaged or only partly downloaded: fetch it again.",
  );
}
