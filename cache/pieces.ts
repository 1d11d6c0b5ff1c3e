import { createDigester, type Digest } from "./digest.ts";
import type { OpenFile } from "./file-system.ts";

/** How many bytes are read, hashed and written at a time. */
export const pieceBytes = 1024 * 1024;

/** A file's bytes from its start, in pieces of at most `pieceBytes`, each its own memory. */
export async function* piecesOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const piece = new Uint8Array(pieceBytes);
    const count = await file.read(piece, at);
    if (count > 0) yield piece.subarray(0, count);
    if (count < pieceBytes) return;
    at += count;
  }
}

/** The digest of a file's bytes and how many they were. */
export async function digestOfFile(file: OpenFile): Promise<{ digest: Digest; bytes: number }> {
  const digester = createDigester();
  let [current, next] = [new Uint8Array(pieceBytes), new Uint8Array(pieceBytes)];
  let at = 0;
  let count = await file.read(current, at);
  while (count > 0) {
    at += count;
    // The next piece is read while this one is hashed.
    const reading = count < pieceBytes ? Promise.resolve(0) : file.read(next, at);
    digester.update(current.subarray(0, count));
    count = await reading;
    [current, next] = [next, current];
  }
  return { digest: digester.digest(), bytes: at };
}

/**
 * Writes all pieces to a file, gathered so that many small ones cost few writes, and returns their
 * digest. Pieces may reuse one buffer.
 */
export async function writePieces(
  file: OpenFile,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Digest> {
  const digester = createDigester();
  const gathered = new Uint8Array(pieceBytes);
  let filled = 0;
  const flush = async (bytes: Uint8Array) => {
    const writing = file.write(bytes);
    // Hashed while it is written.
    digester.update(bytes);
    await writing;
  };
  for await (const piece of pieces) {
    if (filled + piece.byteLength > pieceBytes) {
      await flush(gathered.subarray(0, filled));
      filled = 0;
    }
    if (piece.byteLength > pieceBytes) {
      await flush(piece);
    } else {
      gathered.set(piece, filled);
      filled += piece.byteLength;
    }
  }
  await flush(gathered.subarray(0, filled));
  return digester.digest();
}
