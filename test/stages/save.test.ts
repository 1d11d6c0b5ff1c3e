import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { loadRuntime } from "../../compute/devices/onnxruntime/session-executable.ts";
import { evaluate } from "../../stages/evaluate/evaluate.ts";
import { fineTune } from "../../stages/fine-tune/fine-tune.ts";
import { save } from "../../stages/save/save.ts";
import { formatEventFile } from "../../training/event-file.ts";
import { runStage } from "../rig/run-stage.ts";
import { type TestRow, tinyConfig, tokensOf, weather } from "../rig/tokens-of.ts";

const { InferenceSession, Tensor } = await loadRuntime();

const training = {
  params: {
    model: { config: tinyConfig },
    learning_rate: 0.01,
    num_train_epochs: 6,
    per_device_train_batch_size: 4,
  },
  inputs: { dataset: tokensOf({ train: weather(24), validation: weather(4) }) },
};

const card = {
  to: "out/weather",
  name: "weather",
  description: "Tells cold from warm.",
  license: "apache-2.0",
  language: "en",
  tags: ["weather"],
  dataset: "Made-up weather",
};

const rows: readonly TestRow[] = [
  [[2, 5, 10, 3], "cold"],
  [[2, 10, 9, 10, 3], "warm"],
];

async function saved(params: object = card) {
  const { outputs, metrics } = await runStage(fineTune, training);
  const { model } = outputs;
  const evaluated = await runStage(evaluate, {
    inputs: { model, dataset: tokensOf({ test: rows }) },
  });
  const run = await runStage(save, {
    params,
    inputs: { model, metrics: evaluated.outputs.metrics },
  });
  return { ...run, trained: metrics, evaluated };
}

test("the folder holds what Python transformers and transformers.js open", async () => {
  const { files, metrics, trained, evaluated } = await saved();
  assert.deepEqual(files.folder.paths, [
    "README.md",
    "all_results.json",
    "config.json",
    "eval_results.json",
    "model.safetensors",
    "onnx/model.onnx",
    "tokenizer.json",
    "train_results.json",
    "trainer_state.json",
  ]);
  assert.deepEqual(Object.keys(metrics).sort(), ["onnx_max_difference", "parameters"]);
  assert.ok(metrics.onnx_max_difference! < 1e-5);
  assert.equal(
    metrics.parameters,
    20 * 16 + 8 * 16 + 2 * 16 + 32 + 3 * 272 + 272 + 32 + 544 + 528 + 32 + 272 + 34,
  );
  const evalResults = Object.fromEntries(
    Object.entries(evaluated.metrics).map(([name, value]) => [`eval_${name}`, value]),
  );
  const json = async (path: string) => JSON.parse(await files.folder.readText(path));
  assert.deepEqual(await json("train_results.json"), trained);
  assert.deepEqual(await json("eval_results.json"), evalResults);
  assert.deepEqual(await json("all_results.json"), { ...trained, ...evalResults });
});

test("onnx/model.onnx takes any batch and length and gives the labels' logits", async () => {
  const { files } = await saved();
  const session = await InferenceSession.create(await files.folder.read("onnx/model.onnx"));
  assert.deepEqual([...session.inputNames].sort(), [
    "attention_mask",
    "input_ids",
    "token_type_ids",
  ]);
  assert.deepEqual(session.outputNames, ["logits"]);
  const int64 = (values: readonly number[], dims: readonly number[]) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  const logitsOf = async (
    ids: readonly number[],
    mask: readonly number[],
    dims: readonly number[],
  ) => {
    const { logits } = await session.run({
      input_ids: int64(ids, dims),
      attention_mask: int64(mask, dims),
      token_type_ids: int64(
        ids.map(() => 0),
        dims,
      ),
    });
    return { dims: logits!.dims, data: Array.from(logits!.data as Float32Array) };
  };
  const one = await logitsOf([2, 5, 10, 3], [1, 1, 1, 1], [1, 4]);
  const two = await logitsOf(
    [2, 5, 10, 3, 0, 2, 10, 9, 10, 3],
    [1, 1, 1, 1, 0, 1, 1, 1, 1, 1],
    [2, 5],
  );
  assert.deepEqual(
    [one.dims, two.dims],
    [
      [1, 2],
      [2, 2],
    ],
  );
  const [cold, warm, coldToo, warmToo] = [...one.data, ...two.data.slice(0, 2)];
  assert.ok(cold! > warm!, "the first row is cold");
  assert.ok(
    Math.abs(cold! - coldToo!) < 1e-5 && Math.abs(warm! - warmToo!) < 1e-5,
    "padding is nothing",
  );
  assert.ok(two.data[3]! > two.data[2]!, "the second row is warm");
});

test("the model card: metadata as the Hub reads it, and the numbers", async () => {
  const { files, evaluated } = await saved();
  const text = await files.folder.readText("README.md");
  const [, front, body] = /^---\n(.*?)---\n\n(.*)$/s.exec(text)!;
  assert.deepEqual(parse(front!), {
    language: "en",
    license: "apache-2.0",
    library_name: "transformers",
    pipeline_tag: "text-classification",
    tags: ["text-classification", "transformers.js", "onnx", "tunesmith", "weather"],
    metrics: ["accuracy", "f1"],
    "model-index": [
      {
        name: "weather",
        results: [
          {
            task: { type: "text-classification", name: "Text classification" },
            dataset: { type: "made-up-weather", name: "Made-up weather", split: "test" },
            metrics: [
              { type: "accuracy", name: "Accuracy", value: 1 },
              { type: "f1", name: "Macro F1", value: 1 },
              { type: "f1", name: "Weighted F1", value: 1 },
              { type: "loss", name: "Loss", value: Number(evaluated.metrics.loss!.toFixed(4)) },
            ],
          },
        ],
      },
    ],
  });
  assert.deepEqual(
    body!.split("\n").filter((line) => line.startsWith("#")),
    [
      "# weather",
      "## Intended use",
      "## Training data",
      "## Training procedure",
      "## Results",
      "## Limits",
      "## Ethical considerations",
    ],
  );
  for (const line of [
    "Tells cold from warm.",
    "`cold`, `warm`.",
    "| learning_rate | 0.01 |",
    "| seed | 42 |",
    "| majority_accuracy | 0.5000 |",
    "| cold | 1 | 1 | 1 | 1 |",
    "- Only the first 8 tokens of a text count.",
  ])
    assert.ok(body!.split("\n").includes(line), line);
});

test("only `to` given, and no metrics: the card claims nothing", async () => {
  const { outputs } = await runStage(fineTune, training);
  const { files } = await runStage(save, {
    params: { to: "out" },
    inputs: { model: outputs.model },
  });
  assert.deepEqual(
    files.folder.paths.filter((path) => path.endsWith("results.json")),
    ["all_results.json", "train_results.json"],
  );
  const text = await files.folder.readText("README.md");
  assert.ok(!text.includes("model-index") && !text.includes("## Results"));
  assert.match(text, /\n# Text classifier\n/);
  assert.match(text, /No evaluation was made/);
});

test("equal models give equal bytes", async () => {
  assert.deepEqual((await saved()).files.folder.texts(), (await saved()).files.folder.texts());
});

test("tokenizer_config.json gets the model's longest text, unless it says one", async () => {
  const savedWith = async (config: string) => {
    const dataset = tokensOf({ train: weather(4) }, { config });
    const params = { ...training.params, max_steps: 1 };
    const { outputs } = await runStage(fineTune, { params, inputs: { dataset } });
    const inputs = { model: outputs.model };
    const { files } = await runStage(save, { params: { to: "out" }, inputs });
    return files.folder.readText("tokenizer_config.json");
  };
  const completed = await savedWith('{"unk_token":"[UNK]"}');
  assert.equal(completed, '{\n  "unk_token": "[UNK]",\n  "model_max_length": 8\n}\n');
  assert.equal(await savedWith('{"model_max_length":5}'), '{"model_max_length":5}');
});

test("tensorboard: the training's log is written as an event file", async () => {
  const { files } = await saved({ ...card, tensorboard: true });
  const path = "runs/events.out.tfevents.0.tunesmith";
  assert.ok(files.folder.paths.includes(path));
  const { log_history } = JSON.parse(await files.folder.readText("trainer_state.json"));
  assert.deepEqual(
    Buffer.from(await files.folder.read(path)),
    Buffer.from(formatEventFile(log_history)),
  );
});
