import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { graphOf, input, toText } from "../../compute/graph.ts";
import { batchInputs } from "../../models/batch-inputs.ts";
import { architectures } from "../../models/index.ts";
import type { DropoutMasks } from "../../models/layers.ts";
import type { Task } from "../../models/model.ts";
import { smallConfigs, twins } from "../rig/small-configs.ts";

// A change of a model shows here as a diff of its graph. UPDATE_GOLDEN=1 writes the files anew.
const golden = join(import.meta.dirname, "../golden/graphs");

for (const architecture of architectures)
  for (const task of Object.keys(architecture.classNames) as Task[]) {
    const { modelType } = architecture;
    test(`the graph of ${modelType} for ${task} with dropout`, async () => {
      const family = twins[modelType] ?? modelType;
      const model = architecture.model(smallConfigs[family]!, { task, numLabels: 3 });
      const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
      const masks: DropoutMasks = (site, shape) => input(`dropout.${site}`, shape, "uint8");
      const batch = batchInputs(model, { rows: 2, length: 3, targetLength: 2 });
      const { lastHiddenState, logits } = model.compute(params, batch, masks);
      const text = `${toText(graphOf({ lastHiddenState, logits }))}\n`;
      const path = join(golden, `${family}-${task}.txt`);
      if (process.env.UPDATE_GOLDEN) await writeFile(path, text);
      assert.equal(text, await readFile(path, "utf8"));
    });
  }

test("each family and task has its graph, and no graph is left over", async (t) => {
  const expected = architectures.flatMap(({ modelType, classNames }) =>
    Object.keys(classNames).map((task) => `${twins[modelType] ?? modelType}-${task}.txt`),
  );
  t.diagnostic(`graphs: ${[...new Set(expected)].sort().join(", ")}`);
  assert.deepEqual((await readdir(golden)).sort(), [...new Set(expected)].sort());
});
