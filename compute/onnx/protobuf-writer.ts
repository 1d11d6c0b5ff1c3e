const encoder = new TextEncoder();

/**
 * Writes protocol buffer messages: the four kinds of field that ONNX files use.
 * https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  /** A varint field: any integer that fits in 64 bits with its sign. */
  integer(field: number, value: number | bigint): this {
    return this.#varint((field << 3) | 0).#varint(value);
  }

  /** A float32 field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#varint((field << 3) | 5).#append(bytes);
  }

  /** A field of bytes, which are kept, not copied, until `finish`. */
  bytes(field: number, value: Uint8Array): this {
    return this.#varint((field << 3) | 2)
      .#varint(value.length)
      .#append(value);
  }

  /** A field of text. */
  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  /** A message in a field of this one. */
  message(field: number, write: (inner: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter();
    write(inner);
    this.#varint((field << 3) | 2).#varint(inner.#length);
    for (const chunk of inner.#chunks) this.#append(chunk);
    return this;
  }

  /** The whole message. Throws RangeError at 2 GiB, which no protocol buffer may reach. */
  finish(): Uint8Array {
    if (this.#length >= 2 ** 31)
      throw new RangeError(`A protocol buffer of ${this.#length} bytes: the limit is 2 GiB.`);
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, offset);
      offset += chunk.length;
    }
    return all;
  }

  #varint(value: number | bigint): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#append(Uint8Array.from(bytes));
  }

  #append(bytes: Uint8Array): this {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}
