import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelsFor } from "../../bench/kernels-for.ts";

/** An entry as CUDA's compiler writes it: kind (1: for the driver to compile, 2: machine code), sizes, capability. */
function entry(kind: number, capability: number, payload: string): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt16LE(kind, 0);
  header.writeUInt32LE(64, 4);
  header.writeBigUInt64LE(BigInt(payload.length), 8);
  header.writeUInt32LE(capability, 28);
  return Buffer.concat([header, Buffer.from(payload)]);
}

function container(...entries: Buffer[]): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0xba55ed50, 0);
  header.writeUInt16LE(1, 4);
  header.writeUInt16LE(16, 6);
  header.writeBigUInt64LE(BigInt(Buffer.concat(entries).length), 8);
  return Buffer.concat([header, ...entries]);
}

test("kernels for one compute capability are left, and all that is none", () => {
  const library = (other: string, text: string) =>
    Buffer.concat([
      Buffer.from("code"),
      container(entry(2, 80, other), entry(2, 90, "kernel a"), entry(1, 90, text)),
      container(entry(2, 90, "kernel b"), entry(2, 120, other)),
      container(Buffer.from("no entry, and so left as it is: rodata may hold anything")),
      Buffer.from("data"),
    ]);
  const given = library("kernel of another", "text");
  assert.deepEqual(kernelsFor(90, given), {
    bytes: library("\0".repeat(17), "\0".repeat(4)),
    kept: 2,
  });
  assert.deepEqual(given, library("kernel of another", "text"));
});
