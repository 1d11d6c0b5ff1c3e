import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../models/model-error.ts";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../../models/safetensors.ts";

/** A file with this header text and this many zero bytes of data. */
function fileOf(header: string | Uint8Array, dataBytes: number, claimed?: bigint): Uint8Array {
  const json = typeof header === "string" ? Buffer.from(header) : header;
  const file = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(json.byteLength), true);
  file.set(json, 8);
  return file;
}

const entry = (shape: string, begin: number, end: number, dtype = "I32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const one = (fields: string) => `{"test":${fields}}`;
const valid = one(entry("[2,2]", 0, 16));

function codeOf(file: Uint8Array): string {
  try {
    parseSafetensors(file);
    return "accepted";
  } catch (error) {
    if (error instanceof ModelError) return error.code;
    throw error;
  }
}

const refused: Record<string, [Uint8Array, string]> = {
  "empty file": [new Uint8Array(0), "safetensors-too-short"],
  "seven bytes": [new Uint8Array(7), "safetensors-too-short"],
  "header length zero": [fileOf("", 0), "safetensors-header-json"],
  "header longer than the file": [fileOf("{}", 0, 60n), "safetensors-header-truncated"],
  "header over 100 MB": [fileOf(valid, 16, 100_000_001n), "safetensors-header-too-large"],
  "header length near 2^64": [fileOf(valid, 16, 2n ** 64n - 1n), "safetensors-header-too-large"],
  "header length 2^53 + 1": [fileOf(valid, 16, 2n ** 53n + 1n), "safetensors-header-too-large"],
  "not UTF-8": [fileOf(Uint8Array.of(0xff), 0), "safetensors-header-utf8"],
  "byte order mark": [fileOf(`\ufeff${valid}`, 16), "safetensors-header-json"],
  "not JSON": [fileOf("{", 0), "safetensors-header-json"],
  "unterminated string": [fileOf('{"a', 0), "safetensors-header-json"],
  "an array": [fileOf("[]", 0), "safetensors-header-json"],
  null: [fileOf("null", 0), "safetensors-header-json"],
  "data after the JSON": [fileOf(`${valid}x`, 16), "safetensors-header-json"],
  "deep nesting": [fileOf(`{"a":${"[".repeat(1e5)}`, 0), "safetensors-header-json"],
  "trailing bytes": [fileOf(valid, 17), "safetensors-data-length"],
  "missing bytes": [fileOf(valid, 15), "safetensors-data-length"],
  "no tensors but data": [fileOf("{}", 1), "safetensors-data-length"],
  "a hole": [
    fileOf(`{"a":${entry("[1]", 0, 4)},"b":${entry("[1]", 8, 12)}}`, 12),
    "safetensors-offsets-not-contiguous",
  ],
  "a hole at the start": [fileOf(one(entry("[1]", 4, 8)), 8), "safetensors-offsets-not-contiguous"],
  "an overlap": [
    fileOf(`{"a":${entry("[2]", 0, 8)},"b":${entry("[2]", 4, 12)}}`, 12),
    "safetensors-offsets-not-contiguous",
  ],
  "thousands of tensors over the same bytes": [
    fileOf(`{${Array.from({ length: 5000 }, (_, i) => `"t${i}":${entry("[4]", 0, 16)}`)}}`, 16),
    "safetensors-offsets-not-contiguous",
  ],
  "size is not shape x dtype": [fileOf(one(entry("[2,2]", 0, 4)), 4), "safetensors-tensor-size"],
  "end before begin": [fileOf(one(entry("[0]", 4, 0)), 4), "safetensors-tensor-size"],
  "a product that overflows 64 bits": [
    fileOf(one(entry("[2,18446744073709551614]", 0, 16)), 16),
    "safetensors-tensor-shape",
  ],
  "a product that overflows 53 bits": [
    fileOf(one(entry("[4503599627370496,4503599627370496]", 0, 16)), 16),
    "safetensors-tensor-overflow",
  ],
  "half a byte": [fileOf(one(entry("[1]", 0, 1, "F4")), 1), "safetensors-tensor-size"],
  "a negative size": [fileOf(one(entry("[-1]", 0, 0)), 0), "safetensors-header-json"],
  "a fraction": [fileOf(one(entry("[1.0]", 0, 4)), 4), "safetensors-header-json"],
  "an exponent": [fileOf(one(entry("[1e0]", 0, 4)), 4), "safetensors-header-json"],
  "three offsets": [
    fileOf(one('{"dtype":"I32","shape":[1],"data_offsets":[0,4,4]}'), 4),
    "safetensors-tensor-offsets",
  ],
  "no shape": [fileOf(one('{"dtype":"I32","data_offsets":[0,4]}'), 4), "safetensors-tensor-shape"],
  "unknown dtype": [fileOf(one(entry("[1]", 0, 4, "i32")), 4), "safetensors-tensor-dtype"],
  "dtype __proto__": [fileOf(one(entry("[1]", 0, 4, "__proto__")), 4), "safetensors-tensor-dtype"],
  "entry is a number": [fileOf(one("1"), 0), "safetensors-tensor-entry"],
  "metadata not strings": [fileOf('{"__metadata__":{"a":1}}', 0), "safetensors-metadata"],
  "metadata nested": [fileOf('{"__metadata__":{"a":{}}}', 0), "safetensors-metadata"],
  "the same tensor twice": [
    fileOf(`{"test":${entry("[4]", 0, 16)},"test":${entry("[4]", 0, 16)}}`, 16),
    "safetensors-header-json",
  ],
  "the same tensor twice through an escape": [
    fileOf(`{"test":${entry("[4]", 0, 16)},"t\\u0065st":${entry("[4]", 0, 16)}}`, 16),
    "safetensors-header-json",
  ],
  "the same field twice": [
    fileOf(one('{"dtype":"I32","dtype":"I32","shape":[4],"data_offsets":[0,16]}'), 16),
    "safetensors-header-json",
  ],
  "metadata twice": [
    fileOf('{"__metadata__":{} , "__metadata__":{}}', 0),
    "safetensors-header-json",
  ],
  "a lone surrogate": [fileOf(`{"\\ud800":${entry("[0]", 0, 0)}}`, 0), "safetensors-header-json"],
};
for (const [what, [file, code]] of Object.entries(refused))
  test(`refused: ${what}`, () => assert.equal(codeOf(file), code));

const accepted: Record<string, Uint8Array> = {
  "spaces after the JSON": fileOf(`${valid}      `, 16),
  "whitespace in front": fileOf(`\t\r\n ${valid}`, 16),
  "no tensors": fileOf("{}", 0),
  "metadata only": fileOf('{"__metadata__":{"format":"pt"}}', 0),
  "zero-sized": fileOf(one(entry("[2,0]", 0, 0)), 0),
  scalar: fileOf(one(entry("[]", 0, 4)), 4),
  "two values in a byte": fileOf(one(entry("[2]", 0, 1, "F4")), 1),
  "tensors listed in any order": fileOf(`{"b":${entry("[1]", 4, 8)},"a":${entry("[1]", 0, 4)}}`, 8),
  "100 000 tensors": fileOf(
    `{${Array.from({ length: 1e5 }, (_, i) => `"${i}":${entry("[]", 4 * i, 4 * i + 4)}`)}}`,
    4e5,
  ),
};
for (const [what, file] of Object.entries(accepted))
  test(`accepted: ${what}`, () => assert.equal(codeOf(file), "accepted"));

test("a tensor named __proto__ is data", () => {
  const { tensors } = parseSafetensors(
    fileOf(`{"__proto__":${entry("[1]", 0, 4)},"constructor":${entry("[1]", 4, 8)}}`, 8),
  );
  assert.deepEqual([...tensors.keys()], ["__proto__", "constructor"]);
  assert.equal(Reflect.get({}, "dtype"), undefined);
});

test("the writer sorts by dtype, then name, and pads the header to 8 bytes", () => {
  const tensors = new Map<string, RawTensor>([
    ["b", { dtype: "F32", shape: [1], bytes: Uint8Array.of(0, 0, 128, 63) }],
    ["0", { dtype: "U8", shape: [2], bytes: Uint8Array.of(7, 8) }],
    ["a", { dtype: "F32", shape: [], bytes: Uint8Array.of(0, 0, 0, 64) }],
  ]);
  const file = formatSafetensors(tensors);
  const header =
    '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
    '"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},' +
    '"0":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}}  ';
  assert.equal(header.length % 8, 0);
  assert.deepEqual(
    Buffer.from(file),
    Buffer.concat([
      Buffer.of(header.length, 0, 0, 0, 0, 0, 0, 0),
      Buffer.from(header),
      Buffer.of(0, 0, 0, 64, 0, 0, 128, 63, 7, 8),
    ]),
  );
});

test("the writer refuses what the reader would", () => {
  const write = (name: string, bytes: number) =>
    formatSafetensors(
      new Map([[name, { dtype: "F32", shape: [1], bytes: new Uint8Array(bytes) }]]),
    );
  assert.throws(() => write("a", 3), { code: "safetensors-tensor-size" });
  assert.throws(() => write("__metadata__", 4), { code: "safetensors-tensor-name" });
  assert.throws(() => write("\ud800", 4), { code: "safetensors-tensor-name" });
});
