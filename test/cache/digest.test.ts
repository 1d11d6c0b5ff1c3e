import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDigester, digestFrom, digestOf, hexOf, isDigest } from "../../cache/digest.ts";
import { isTraceKey, traceKeyFrom } from "../../cache/trace-store.ts";

// https://csrc.nist.gov/CSRC/media/Projects/Cryptographic-Standards-and-Guidelines/documents/examples/SHA256.pdf
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("the digest of bytes is their sha256", () => {
  assert.equal(digestOf("abc"), `sha256:${abc}`);
  assert.equal(digestOf(new Uint8Array([97, 98, 99])), `sha256:${abc}`);
  assert.equal(hexOf(digestOf("abc")), abc);
});

const refused = [
  "",
  abc,
  `sha256:${abc.toUpperCase()}`,
  `SHA256:${abc}`,
  `sha256:${abc.slice(1)}`,
  `sha256:${abc}0`,
  ` sha256:${abc}`,
  `sha256:${abc}\n`,
  `sha256:${abc.slice(0, 63)}g`,
  `sha256:${"../".repeat(21)}x`,
  `sha256:${abc.slice(0, 63)}/`,
  `sha256:${abc.slice(0, 63)}\0`,
  `sha512:${abc}`,
  `sha256:${"０".repeat(64)}`,
];

test("only sha256: and 64 lower-case hex digits are a digest", () => {
  assert.equal(digestFrom(`sha256:${abc}`), `sha256:${abc}`);
  for (const text of refused) {
    assert.equal(isDigest(text), false, text);
    assert.throws(() => digestFrom(text), { code: "digest-invalid" }, text);
  }
  for (const value of [
    undefined,
    null,
    7,
    [`sha256:${abc}`],
    { toString: () => `sha256:${abc}` },
  ]) {
    assert.equal(isDigest(value), false);
  }
});

test("only 64 lower-case hex digits are a trace key", () => {
  assert.equal(traceKeyFrom(abc), abc);
  for (const text of ["", `sha256:${abc}`, abc.toUpperCase(), `${abc}\n`, `${"../".repeat(21)}x`]) {
    assert.equal(isTraceKey(text), false, text);
    assert.throws(() => traceKeyFrom(text), { code: "trace-key-invalid" }, text);
  }
});

test("a digest does not depend on how the bytes come in pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (pieces) => {
      const digester = createDigester();
      for (const piece of pieces) digester.update(piece);
      assert.equal(digester.digest(), digestOf(Buffer.concat(pieces)));
    }),
  );
});
