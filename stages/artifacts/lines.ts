/** One line of a stream of bytes, its line break (LF or CRLF) taken off. */
export interface Line {
  readonly bytes: Uint8Array;
  /** 1 for the first. */
  readonly number: number;
  /** Of its first byte in the stream. */
  readonly offset: number;
}

/** Thrown when a line is longer than the reader is willing to hold in memory. */
export class LineTooLong extends Error {
  readonly line: number;

  constructor(line: number, limitBytes: number) {
    super(`Line ${line} has more than ${limitBytes} bytes.`);
    this.line = line;
  }
}

const LF = 10;
const CR = 13;

/**
 * The lines of a stream, in batches of those that end in one chunk; a last line needs no line break. Holds
 * at most one line of `limitBytes` besides the chunk: a longer one is a LineTooLong.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<Line[]> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let number = 1;
  let offset = 0;
  const take = (end: Uint8Array): Line => {
    const bytes = pieces.length === 0 ? end : Buffer.concat([...pieces, end]);
    const line = { bytes: withoutReturn(bytes), number, offset };
    offset += bytes.byteLength + 1;
    number++;
    pieces = [];
    held = 0;
    return line;
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      if (held + end - start > limitBytes) throw new LineTooLong(number, limitBytes);
      lines.push(take(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.byteLength) pieces.push(chunk.subarray(start));
    held += chunk.byteLength - start;
    if (held > limitBytes) throw new LineTooLong(number, limitBytes);
    if (lines.length > 0) yield lines;
  }
  if (held > 0) yield [take(new Uint8Array(0))];
}

function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
}

const CHUNK_CHARACTERS = 1 << 16;

/** Values as JSON Lines: one JSON text a line, LF after each, UTF-8, in chunks of about 64 KiB. */
export async function* formatJsonLines(values: Iterable<unknown>): AsyncGenerator<Uint8Array> {
  let text = "";
  for (const value of values) {
    text += `${JSON.stringify(value)}\n`;
    if (text.length >= CHUNK_CHARACTERS) {
      yield Buffer.from(text);
      text = "";
    }
  }
  if (text !== "") yield Buffer.from(text);
}
