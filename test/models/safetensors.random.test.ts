import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memorySource } from "../../models/file-source.ts";
import { ModelError } from "../../models/model-error.ts";
import { createModel, formatPretrained, loadPretrained } from "../../models/pretrained.ts";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../../models/safetensors.ts";

const RUNS = 150 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);

const rawTensor = fc
  .record({
    dtype: fc.constantFrom("F32", "I64", "U8", "BF16", "BOOL"),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    fill: fc.nat(255),
  })
  .map(({ dtype, shape, fill }): RawTensor => {
    const size = { F32: 4, I64: 8, U8: 1, BF16: 2, BOOL: 1 }[dtype];
    const bytes = new Uint8Array(shape.reduce((a, b) => a * b, size)).fill(fill);
    return { dtype, shape, bytes };
  });
const tensorName = fc
  .string({ unit: "grapheme", maxLength: 8 })
  .filter((name) => name !== "__metadata__");
const rawTensors = fc.array(fc.tuple(tensorName, rawTensor), { maxLength: 8 });

test("random tensors survive writing and reading, in any order with the same bytes", () => {
  fc.assert(
    fc.property(rawTensors, (list) => {
      const tensors = new Map(list);
      const file = formatSafetensors(tensors);
      const back = parseSafetensors(file);
      assert.deepEqual([...back.tensors.keys()].sort(), [...tensors.keys()].sort());
      for (const [name, tensor] of tensors) assert.deepEqual(back.tensors.get(name), tensor);
      assert.deepEqual(formatSafetensors(new Map([...tensors].reverse())), file);
    }),
    { numRuns: RUNS },
  );
});

test("a mutated file is read within its bounds or refused with a typed error", () => {
  const edits = fc.array(
    fc.record({ at: fc.nat(), value: fc.nat(255), kind: fc.constantFrom("set", "cut", "insert") }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(rawTensors, edits, (list, mutations) => {
      let file = Buffer.from(formatSafetensors(new Map(list)));
      for (const { at, value, kind } of mutations) {
        const index = at % (file.length + 1);
        if (kind === "set" && index < file.length) file[index] = value;
        if (kind === "cut") file = file.subarray(0, index);
        if (kind === "insert")
          file = Buffer.concat([file.subarray(0, index), Buffer.of(value), file.subarray(index)]);
      }
      try {
        let bytes = 0;
        for (const tensor of parseSafetensors(file).tensors.values())
          bytes += tensor.bytes.byteLength;
        assert.ok(bytes < file.length);
      } catch (error) {
        assert.ok(error instanceof ModelError, `seen: ${error}`);
      }
    }),
    { numRuns: 3 * RUNS },
  );
});

test("a mutated config.json gives a model or a typed error", async () => {
  const config = {
    model_type: "bert",
    vocab_size: 8,
    hidden_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 6,
    max_position_embeddings: 5,
    hidden_dropout_prob: 0.1,
    pad_token_id: 0,
  };
  const files = formatPretrained(
    createModel(config, { task: "sequence-classification", labels: ["a", "b"], seed: 1 }),
  );
  const json = JSON.parse(Buffer.from(files.get("config.json")!).toString());
  const change = fc.tuple(
    fc.constantFrom(...Object.keys(json), "is_decoder", "classifier_dropout", "__proto__"),
    fc.jsonValue(),
  );
  await fc.assert(
    fc.asyncProperty(change, async ([field, value]) => {
      const changed = Buffer.from(JSON.stringify({ ...json, [field]: value }));
      try {
        await loadPretrained(memorySource(new Map([...files, ["config.json", changed]])), {
          seed: 1,
        });
      } catch (error) {
        assert.ok(error instanceof ModelError, `seen: ${error}`);
      }
    }),
    { numRuns: 2 * RUNS },
  );
});
