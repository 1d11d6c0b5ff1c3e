import { isUtf8 } from "node:buffer";
import { StageFailure } from "../../engine/diagnostic.ts";

const LF = 10;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The chunks of a text file, cut between characters, a byte order mark taken off. A byte that is not UTF-8 and a NUL
 * byte are StageFailures that name `path`, the line and the byte's offset in the file.
 */
export async function* checkedUtf8(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  let offset = 0;
  let line = 1;
  for await (const chunk of chunks) {
    const bytes = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.byteLength - unfinishedBytes(bytes);
    const whole = bytes.subarray(0, end);
    rest = bytes.subarray(end);
    checkChunk(whole, { path, offset, line });
    line += count(whole, LF);
    const first = offset === 0 && whole.byteLength > 0;
    offset += whole.byteLength;
    yield first && startsWithBom(whole) ? whole.subarray(BOM.length) : whole;
  }
  if (rest.byteLength > 0) throw notUtf8({ path, offset, line }, offset);
}

interface Place {
  readonly path: string;
  readonly offset: number;
  readonly line: number;
}

function checkChunk(bytes: Uint8Array, place: Place): void {
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw nulByte(place.path, lineAt(bytes, nul, place), place.offset + nul);
  if (isUtf8(bytes)) return;
  let at = 0;
  while (isUtf8(bytes.subarray(at, at + characterBytes(bytes[at]!))))
    at += characterBytes(bytes[at]!);
  throw notUtf8({ ...place, line: lineAt(bytes, at, place) }, place.offset + at);
}

/** Bytes at the end that begin a character whose last bytes are still to come. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back++) {
    const byte = bytes[bytes.byteLength - back]!;
    if (byte >= 0xc0) return characterBytes(byte) > back ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function characterBytes(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function lineAt(bytes: Uint8Array, at: number, { line }: Place): number {
  return line + count(bytes.subarray(0, at), LF);
}

function count(bytes: Uint8Array, value: number): number {
  let found = 0;
  for (let at = bytes.indexOf(value); at >= 0; at = bytes.indexOf(value, at + 1)) found++;
  return found;
}

function startsWithBom(bytes: Uint8Array): boolean {
  return BOM.every((byte, i) => bytes[i] === byte);
}

function notUtf8({ path, line }: Place, offset: number): StageFailure {
  return new StageFailure({
    code: "not-utf-8",
    message: `${path}:${line}: the byte at offset ${offset} is not UTF-8.`,
    hint: "convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
  });
}

function nulByte(path: string, line: number, offset: number): StageFailure {
  return new StageFailure({
    code: "nul-byte",
    message: `${path}:${line}: there is a NUL byte at offset ${offset}; this is not a UTF-8 text file.`,
    hint: "if it is UTF-16, convert it first: iconv -f UTF-16 -t UTF-8 OLD > NEW",
  });
}
