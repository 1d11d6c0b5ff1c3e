import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import { architectures } from "../../models/index.ts";
import type { Task } from "../../models/model.ts";
import { createModel } from "../../models/pretrained.ts";
import { configFields } from "../../stages/fine-tune/config-fields.ts";
import { configSchema } from "../../stages/fine-tune/config-schema.ts";
import { smallConfigs, twins } from "../rig/small-configs.ts";

const isValid = new Ajv().compile(configSchema);

test("every type of model can start from random weights", () => {
  assert.deepEqual(
    Object.keys(configFields),
    architectures.map(({ modelType }) => modelType),
  );
});

for (const { modelType, classNames } of architectures)
  test(`${modelType}: a config that the schema takes makes a model for each task`, () => {
    const config = { model_type: modelType, ...smallConfigs[twins[modelType] ?? modelType] };
    assert.equal(isValid(config), true);
    assert.equal(isValid({ ...config, no_such_field: 1 }), false);
    for (const task of Object.keys(classNames) as Task[]) {
      const { model, parameters } = createModel(config, { task, labels: ["a", "b"], seed: 1 });
      assert.equal(model.className, classNames[task]);
      assert.equal(parameters.size, model.parameters.length);
    }
  });

// Not by the graph of T5, but by those who generate with it.
const readLater = ["eos_token_id"];

test("every field of the schema is one that a model reads", () => {
  for (const [modelType, fields] of Object.entries(configFields)) {
    const { model, classNames } = architectures.find((one) => one.modelType === modelType)!;
    const read = new Set<string>();
    const watched = new Proxy<Record<string, unknown>>(
      { ...smallConfigs[twins[modelType] ?? modelType] },
      {
        get(config, field: string) {
          read.add(field);
          return config[field];
        },
      },
    );
    for (const task of Object.keys(classNames) as Task[]) model(watched, { task, numLabels: 2 });
    assert.deepEqual(
      Object.keys(fields).filter((field) => !read.has(field) && !readLater.includes(field)),
      [],
      modelType,
    );
  }
});
