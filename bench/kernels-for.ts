/** Where a library keeps kernels: containers, each of entries for one compute capability. */
const CONTAINER = Buffer.from([0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0]); // magic, version 1, a header of 16 bytes
const MACHINE_CODE = 2;

/**
 * A copy of a CUDA library in which only kernels in machine code for this compute capability (90 for 9.0) are left: others
 * are zeros, which a driver that looks for its own does not read, and which compress to nothing. With how many were kept.
 */
export function kernelsFor(capability: number, library: Buffer): { bytes: Buffer; kept: number } {
  const bytes = Buffer.from(library);
  let kept = 0;
  for (let at = bytes.indexOf(CONTAINER); at >= 0; at = bytes.indexOf(CONTAINER, at + 1)) {
    const end = at + 16 + Number(bytes.readBigUInt64LE(at + 8));
    for (const { kind, start, stop, made } of entriesOf(bytes, at + 16, end)) {
      if (kind === MACHINE_CODE && made === capability) kept++;
      else bytes.fill(0, start, stop);
    }
  }
  return { bytes, kept };
}

/** The entries from `begin` to `end`; none where these bytes are no container. */
function entriesOf(bytes: Buffer, begin: number, end: number) {
  const entries: { kind: number; start: number; stop: number; made: number }[] = [];
  for (let at = begin; at < end; at = entries.at(-1)!.stop) {
    if (at + 32 > bytes.length) return [];
    const start = at + bytes.readUInt32LE(at + 4);
    const stop = start + Number(bytes.readBigUInt64LE(at + 8));
    if (start < at + 32 || stop > end) return [];
    const [kind, made] = [bytes.readUInt16LE(at), bytes.readUInt32LE(at + 28)];
    entries.push({ kind, start, stop, made });
  }
  return entries;
}
