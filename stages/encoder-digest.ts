import { createHash } from "node:crypto";
import { graphOf, input, nameOf, toText } from "../compute/graph.ts";
import { batchInputs } from "../models/batch-inputs.ts";
import { noDropout } from "../models/layers.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";

/**
 * Of all that an encoder's last hidden state depends on: what is computed, and the weights that it reads. Heads do not
 * count: equal digests mean that vectors can be compared, and that features of one model fit the head of another.
 */
export function encoderDigest({
  model,
  parameters,
}: Pick<ModelWithWeights, "model" | "parameters">): string {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const batch = batchInputs(model, { rows: 1, length: Math.min(2, model.maxLength) });
  const graph = graphOf({ x: model.compute(params, batch, noDropout).lastHiddenState });
  const hash = createHash("sha256").update(toText(graph));
  for (const name of graph.inputs.map(nameOf).sort()) {
    const data = parameters.get(name)?.data;
    if (data) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return `sha256:${hash.digest("hex")}`;
}
