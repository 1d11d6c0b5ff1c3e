import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "../../training/crc32c.ts";
import { formatEventFile } from "../../training/event-file.ts";
import golden from "../golden/events.json" with { type: "json" };

test("CRC-32C of the test vectors of RFC 3720", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});

test("a log is written byte for byte as TensorBoard's own writer does", () => {
  const log = golden.log as unknown as Parameters<typeof formatEventFile>[0];
  assert.equal(Buffer.from(formatEventFile(log)).toString("base64"), golden.bytes);
});
