import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { folderSource, memorySource } from "../../models/file-source.ts";
import { ModelError } from "../../models/model-error.ts";
import { createModel, formatPretrained, loadPretrained } from "../../models/pretrained.ts";
import { formatSafetensors, parseSafetensors, type RawTensor } from "../../models/safetensors.ts";

const folder = join(import.meta.dirname, "../golden/bert-classify/model");
const tiny = {
  model_type: "bert",
  vocab_size: 8,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 6,
  max_position_embeddings: 5,
};
const labels = ["no", "yes"];
const tinyClassifier = (config = {}) =>
  createModel({ ...tiny, ...config }, { task: "sequence-classification", labels, seed: 1 });

/** The files of the tiny model, with its tensors renamed or left out and its config changed. */
function tinyFiles(
  rename: (name: string) => string | undefined = (name) => name,
  config: Record<string, unknown> = {},
): Map<string, Uint8Array> {
  const files = new Map(formatPretrained(tinyClassifier()));
  const renamed = new Map<string, RawTensor>();
  for (const [name, tensor] of parseSafetensors(files.get("model.safetensors")!).tensors) {
    const next = rename(name);
    if (next !== undefined) renamed.set(next, tensor);
  }
  const json = { ...JSON.parse(Buffer.from(files.get("config.json")!).toString()), ...config };
  return files
    .set("model.safetensors", formatSafetensors(renamed))
    .set("config.json", Buffer.from(JSON.stringify(json)));
}

const load = (files: Map<string, Uint8Array>, options: { labels?: string[]; seed?: number } = {}) =>
  loadPretrained(memorySource(files), { seed: 1, ...options });

test("a folder of transformers is read whole", async () => {
  const { labels, parameters, report } = await loadPretrained(folderSource(folder), { seed: 0 });
  assert.deepEqual(labels, ["LABEL_0", "LABEL_1", "LABEL_2"]);
  assert.equal(parameters.size, 41);
  assert.deepEqual(report, { initialised: [], unexpected: [], keptHead: true });
});

test("what is written reads back equal, and equal models give equal bytes", async () => {
  const written = tinyClassifier();
  const files = formatPretrained(written);
  const read = await load(new Map(files));
  assert.deepEqual(read.parameters, written.parameters);
  assert.deepEqual(read.labels, labels);
  assert.deepEqual(formatPretrained(read), files);
  const reversed = new Map([...written.parameters].reverse());
  assert.deepEqual(formatPretrained({ ...written, parameters: reversed }), files);
});

test("config.json says what transformers 4 and 5 need", () => {
  const files = formatPretrained(tinyClassifier({ _name_or_path: "secret/path" }));
  assert.deepEqual(JSON.parse(Buffer.from(files.get("config.json")!).toString()), {
    architectures: ["BertForSequenceClassification"],
    dtype: "float32",
    hidden_size: 4,
    id2label: { 0: "no", 1: "yes" },
    intermediate_size: 6,
    label2id: { no: 0, yes: 1 },
    max_position_embeddings: 5,
    model_type: "bert",
    num_attention_heads: 2,
    num_hidden_layers: 1,
    problem_type: "single_label_classification",
    torch_dtype: "float32",
    transformers_version: "5.0.0",
    vocab_size: 8,
  });
});

test("whole numbers that are floats in Python are written as floats, at the outermost level", () => {
  const config = { hidden_dropout_prob: 0, layer_norm_eps: 1e-12, initializer_range: 1 };
  const trained = { ...tinyClassifier(config), labels: ["a_rate", "b_rate"] };
  const lines = Buffer.from(formatPretrained(trained).get("config.json")!).toString().split("\n");
  assert.deepEqual(
    lines.filter((line) => /dropout|eps|range|_rate/.test(line)),
    [
      '  "hidden_dropout_prob": 0.0,',
      '    "0": "a_rate",',
      '    "1": "b_rate"',
      '  "initializer_range": 1.0,',
      '    "a_rate": 0,',
      '    "b_rate": 1',
      '  "layer_norm_eps": 1e-12,',
    ],
  );
});

test("shards are read as one checkpoint", async () => {
  const files = tinyFiles();
  const whole = await load(files);
  const { tensors } = parseSafetensors(files.get("model.safetensors")!);
  const map: Record<string, string> = {};
  for (const [i, part] of [0, 1].entries()) {
    const file = `model-0000${i + 1}-of-00002.safetensors`;
    const own = new Map([...tensors].filter((_, at) => at % 2 === part));
    for (const name of own.keys()) map[name] = file;
    files.set(file, formatSafetensors(own));
  }
  files.delete("model.safetensors");
  files.set("model.safetensors.index.json", Buffer.from(JSON.stringify({ weight_map: map })));
  assert.deepEqual((await load(files)).parameters, whole.parameters);
});

test("names of older checkpoints are understood and other heads ignored", async () => {
  const old = tinyFiles((name) =>
    name
      .replace("LayerNorm.weight", "LayerNorm.gamma")
      .replace("LayerNorm.bias", "LayerNorm.beta")
      .replace(/^bert\./, "")
      .replace("classifier.", "cls.seq_relationship."),
  );
  const { parameters, report } = await load(old);
  assert.deepEqual(parameters, tinyClassifier().parameters);
  assert.deepEqual(report, {
    initialised: ["classifier.weight", "classifier.bias"],
    unexpected: [],
    keptHead: false,
  });
});

test("the head follows the labels by name, and is new for other labels", async () => {
  const head = async (wanted: string[]) => {
    const { parameters, report } = await load(tinyFiles(), { labels: wanted, seed: 7 });
    return { bias: parameters.get("classifier.weight")!, keptHead: report.keptHead };
  };
  const own = tinyClassifier().parameters.get("classifier.weight")!;
  const swapped = Float32Array.of(...own.data.slice(4), ...own.data.slice(0, 4));
  const turned = { bias: { ...own, data: swapped }, keptHead: true };
  assert.deepEqual(await head(["no", "yes"]), { bias: own, keptHead: true });
  assert.deepEqual(await head(["yes", "no"]), turned);
  const other = createModel(tiny, {
    task: "sequence-classification",
    labels: ["a", "b", "c"],
    seed: 7,
  });
  assert.deepEqual(await head(["a", "b", "c"]), {
    bias: other.parameters.get("classifier.weight"),
    keptHead: false,
  });
});

test("tensors of half precision and double precision become float32", async () => {
  const as: Record<string, [RawTensor["dtype"], Uint8Array]> = {
    F16: ["F16", new Uint8Array(Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7bff).buffer)],
    BF16: ["BF16", new Uint8Array(Uint16Array.of(0x3f80, 0xc020, 0x0001, 0x7f7f).buffer)],
    F64: ["F64", new Uint8Array(Float64Array.of(1, -2.5, 0.1, 1e-60).buffer)],
  };
  const expected = {
    F16: [1, -2.5, 2 ** -24, 65504],
    BF16: [1, -2.5, 2 ** -133, 3.3895313892515355e38],
    F64: [1, -2.5, Math.fround(0.1), 0],
  };
  for (const [dtype, [, bytes]] of Object.entries(as)) {
    const files = tinyFiles();
    const { tensors } = parseSafetensors(files.get("model.safetensors")!);
    const changed = new Map(tensors).set("bert.pooler.dense.bias", {
      dtype: as[dtype]![0],
      shape: [4],
      bytes,
    });
    files.set("model.safetensors", formatSafetensors(changed));
    const { parameters } = await load(files);
    assert.deepEqual(
      [...parameters.get("bert.pooler.dense.bias")!.data],
      expected[dtype as keyof typeof expected],
    );
  }
});

test("missing and mis-shaped tensors are named, unexpected ones reported", async () => {
  const without = tinyFiles((name) =>
    name.replace("word_embeddings", "other_embeddings").replace("pooler.dense.bias", "pooler.b"),
  );
  await assert.rejects(load(without), {
    code: "checkpoint-mismatch",
    message:
      'The checkpoint does not fit its config.json: "bert.embeddings.word_embeddings.weight" is missing.',
  });
  await assert.rejects(load(tinyFiles(undefined, { vocab_size: 9 })), {
    message:
      'The checkpoint does not fit its config.json: "bert.embeddings.word_embeddings.weight" is [8,4], expected [9,4].',
  });
  const extra = await load(tinyFiles((name) => name.replace("pooler.dense.bias", "pooler.b")));
  assert.deepEqual(extra.report, {
    initialised: ["bert.pooler.dense.bias"],
    unexpected: ["bert.pooler.b"],
    keptHead: true,
  });
});

const unsupported: [Record<string, unknown>, string][] = [
  [
    { model_type: "bart" },
    '"model_type" is "bart"; supported: bert, roberta, xlm-roberta, distilbert, gpt2, llama, mistral, qwen2, qwen3, t5',
  ],
  [
    { model_type: undefined },
    '"model_type" is undefined; supported: bert, roberta, xlm-roberta, distilbert, gpt2, llama, mistral, qwen2, qwen3, t5',
  ],
  [
    { hidden_act: "silu" },
    '"hidden_act" is "silu"; expected one of gelu, gelu_new, gelu_pytorch_tanh, relu',
  ],
  [
    { position_embedding_type: "relative_key" },
    '"position_embedding_type" is "relative_key"; expected "absolute"',
  ],
  [{ is_decoder: true }, '"is_decoder" is true; expected false'],
  [
    { problem_type: "ranking" },
    '"problem_type" is "ranking"; expected one of single_label_classification, multi_label_classification, regression',
  ],
  [{ num_attention_heads: 3 }, '"num_attention_heads" is 3; expected a divisor of hidden_size 4'],
  [{ hidden_size: "4" }, '"hidden_size" is "4"; expected a whole number of at least 1'],
  [
    { hidden_dropout_prob: 1 },
    '"hidden_dropout_prob" is 1; expected a number from 0 to less than 1',
  ],
  [{ num_hidden_layers: 1e9 }, '"num_hidden_layers" is 1000000000; expected at most 1000'],
  [{ pad_token_id: 8 }, '"pad_token_id" is 8; expected less than vocab_size 8'],
  [
    { id2label: { a: "x" } },
    '"id2label" is {"a":"x"}; expected an object of names by ids 0, 1, 2, …',
  ],
  [{ quantization_config: { bits: 4 } }, '"quantization_config" is {"bits":4}; expected absent'],
];
for (const [config, problem] of unsupported)
  test(`config.json refused: ${problem}`, async () => {
    const files = tinyFiles(undefined, config);
    await assert.rejects(load(files), (error) => {
      assert.ok(error instanceof ModelError);
      assert.equal(error.message.replace(/^config.json: /, "").replace(/\.$/, ""), problem);
      return true;
    });
  });

test("missing and broken files are named", async () => {
  const without = (name: string) => {
    const files = tinyFiles();
    files.delete(name);
    return files;
  };
  await assert.rejects(load(without("config.json")), { message: "The model has no config.json." });
  await assert.rejects(
    load(without("model.safetensors").set("pytorch_model.bin", new Uint8Array(1))),
    {
      code: "checkpoint-missing",
      hint: "pytorch_model.bin is a pickle, which can run code, and is never read: convert it to safetensors.",
    },
  );
  await assert.rejects(load(tinyFiles().set("model.safetensors", new Uint8Array(3))), {
    code: "safetensors-too-short",
    message:
      "model.safetensors: Not a valid safetensors file: has 3 bytes; the header's length alone takes 8.",
  });
  const index = (file: string) =>
    without("model.safetensors").set(
      "model.safetensors.index.json",
      Buffer.from(JSON.stringify({ weight_map: { "classifier.bias": file } })),
    );
  await assert.rejects(load(index("../outside.safetensors")), { code: "checkpoint-index" });
  await assert.rejects(load(index("gone.safetensors")), { code: "checkpoint-missing" });
});

test("start values depend on the seed and the name, the padding row is zero", () => {
  const { parameters } = tinyClassifier({ pad_token_id: 2, initializer_range: 0.5 });
  const words = parameters.get("bert.embeddings.word_embeddings.weight")!;
  assert.deepEqual([...words.data.slice(8, 12)], [0, 0, 0, 0]);
  assert.ok(words.data.slice(0, 8).every((x) => x !== 0));
  assert.deepEqual([...parameters.get("bert.embeddings.LayerNorm.weight")!.data], [1, 1, 1, 1]);
  assert.deepEqual([...parameters.get("classifier.bias")!.data], [0, 0]);
  const [query, key] = ["query", "key"].map(
    (name) => parameters.get(`bert.encoder.layer.0.attention.self.${name}.weight`)!.data,
  );
  assert.notDeepEqual(query, key);
});
