import { crc32c } from "./crc32c.ts";
import type { LogEntry } from "./trainer-state.ts";

/**
 * A training's log as an event file for TensorBoard, with the tags of transformers' TensorBoardCallback:
 * `train/loss`, `eval/accuracy`. It holds no clock: the times in it are the numbers of steps in seconds.
 * https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
 */
export function formatEventFile(log: readonly LogEntry[]): Uint8Array {
  const version = message([double(1, 0), text(3, "brain.Event:2")]);
  const events = log.flatMap(({ step, epoch: _, ...values }) =>
    Object.entries(values).map(([name, value]) => scalarEvent(step, tagOf(name), value)),
  );
  return Buffer.concat([version, ...events].map(record));
}

function tagOf(name: string): string {
  return name.startsWith("eval_") ? `eval/${name.slice("eval_".length)}` : `train/${name}`;
}

/** Event { double wall_time = 1; int64 step = 2; Summary summary = 5 { Value value = 1 { string tag = 1; float simple_value = 2 } } } */
function scalarEvent(step: number, tag: string, value: number): Uint8Array {
  const scalar = message([text(1, tag), float(2, value)]);
  const summary = message([bytes(1, scalar)]);
  return message([double(1, step), varintField(2, step), bytes(5, summary)]);
}

/** TFRecord: length, its checksum, data, its checksum; numbers are little-endian. */
function record(data: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(12 + data.byteLength + 4);
  framed.writeBigUInt64LE(BigInt(data.byteLength), 0);
  framed.writeUInt32LE(masked(crc32c(framed.subarray(0, 8))), 8);
  framed.set(data, 12);
  framed.writeUInt32LE(masked(crc32c(data)), 12 + data.byteLength);
  return framed;
}

/** Rotated and shifted, since a checksum of data that has checksums in it is weak. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function message(fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function varint(value: number): Uint8Array {
  const digits: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) digits.push((left % 128) + 128);
  return Uint8Array.from([...digits, left]);
}

function varintField(field: number, value: number): Uint8Array {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([varint(field * 8 + 2), varint(value.byteLength), value]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, Buffer.from(value));
}

/** As proto3 writes it: nothing for 0. */
function double(field: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array(0);
  const number = Buffer.alloc(9);
  number[0] = field * 8 + 1;
  number.writeDoubleLE(value, 1);
  return number;
}

function float(field: number, value: number): Uint8Array {
  const number = Buffer.alloc(5);
  number[0] = field * 8 + 5;
  number.writeFloatLE(value, 1);
  return number;
}
