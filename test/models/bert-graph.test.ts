import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { graphOf, input, toText } from "../../compute/graph.ts";
import { architectureOf } from "../../models/index.ts";
import type { DropoutMasks } from "../../models/layers.ts";

// A change of the model shows here as a diff of its graph. UPDATE_GOLDEN=1 writes the file anew.
const golden = join(import.meta.dirname, "../golden/bert-graph.txt");

test("the graph of a one-layer BERT classifier with dropout", async () => {
  const config = {
    model_type: "bert",
    vocab_size: 8,
    hidden_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 6,
    max_position_embeddings: 5,
  };
  const model = architectureOf(config).sequenceClassifier(config, 3);
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const ids = (name: string) => input(name, [2, 3], "int32");
  const batch = {
    inputIds: ids("input_ids"),
    attentionMask: ids("attention_mask"),
    tokenTypeIds: ids("token_type_ids"),
  };
  const masks: DropoutMasks = (site, shape) => input(`dropout.${site}`, shape, "uint8");
  const text = `${toText(graphOf({ ...model.classify(params, batch, masks) }))}\n`;
  if (process.env.UPDATE_GOLDEN) await writeFile(golden, text);
  assert.equal(text, await readFile(golden, "utf8"));
});
