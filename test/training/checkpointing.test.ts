import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime.ts";
import { nameOf } from "../../compute/graph.ts";
import type { ConfigJson } from "../../models/config-json.ts";
import type { Task } from "../../models/model.ts";
import { createModel } from "../../models/pretrained.ts";
import { trainingGraph } from "../../training/training-graph.ts";
import { smallConfigs } from "../rig/small-configs.ts";
import { encoderTensor } from "../rig/small-encoder.ts";

const device = await openOnnxruntimeDevice({ threads: 1 });
const layers = ["num_hidden_layers", "n_layers", "n_layer", "num_layers"];

/** The configuration with three layers. */
function deeper(config: ConfigJson): ConfigJson {
  const changed = Object.entries(config).map(([name, value]) => [
    name,
    layers.includes(name) ? 3 : value,
  ]);
  return Object.fromEntries(changed);
}

async function lossAndGradients(model_type: string, checkpointing: boolean) {
  const task: Task = model_type === "t5" ? "sequence-to-sequence" : "sequence-classification";
  const config = { model_type, ...deeper(smallConfigs[model_type]!) };
  const { model, parameters } = createModel(config, { task, labels: ["a", "b", "c"], seed: 1 });
  const { graph } = trainingGraph(model, { rows: 2, length: 4 }, { checkpointing });
  const executable = await device.compile(graph, { repeats: checkpointing });
  const inputs = graph.inputs.map((value) => {
    const name = nameOf(value);
    const isIds = value.dtype === "int32";
    const { dtype, shape, data } = encoderTensor(value);
    return [
      name,
      parameters.get(name) ?? { dtype, shape, data: isIds ? data.fill(1 as never) : data },
    ] as const;
  });
  const outputs = await executable.run(new Map(inputs));
  await executable.release();
  const products = graph.nodes.filter(({ op }) => op === "Linear" || op === "Gemm").length;
  return { outputs, products };
}

for (const model_type of Object.keys(smallConfigs))
  test(`${model_type}: layers computed again give the same bits`, async () => {
    const kept = await lossAndGradients(model_type, false);
    const again = await lossAndGradients(model_type, true);
    assert.ok(again.products > kept.products, `${again.products} and ${kept.products} products`);
    assert.deepEqual(again.outputs, kept.outputs);
    assert.ok(Object.keys(kept.outputs).length > 20);
  });
