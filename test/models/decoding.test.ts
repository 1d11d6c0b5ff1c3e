import { test } from "node:test";
import type { TensorData } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { graphOf, input, type Shape, type Value } from "../../compute/graph.ts";
import { batchInputs } from "../../models/batch-inputs.ts";
import { noDropout } from "../../models/layers.ts";
import type { KeyValue, Past, TokenBatch } from "../../models/model.ts";
import { createModel, type ModelWithWeights } from "../../models/pretrained.ts";
import { assertClose } from "../rig/assert-close.ts";
import { smallConfigs } from "../rig/small-configs.ts";

const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });
const decoders = ["gpt2", "llama", "qwen3"];
const ids = [5, 2, 7, 3, 6];

function modelOf(modelType: string): ModelWithWeights {
  const task = modelType === "t5" ? "sequence-to-sequence" : "causal-lm";
  const config = { model_type: modelType, ...smallConfigs[modelType], initializer_range: 0.5 };
  return createModel(config, { task, seed: 1 });
}

type Output = Readonly<Record<string, Value>>;
type Given = Readonly<Record<string, readonly number[] | Float32Array>>;

/** Runs a model's outputs, with inputs given by name in the shape that the graph reads. */
async function run(
  { model, parameters }: ModelWithWeights,
  outputs: (params: ReadonlyMap<string, Value>) => Output,
  given: Given,
): Promise<Record<string, Float32Array>> {
  const params = new Map(model.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const graph = graphOf(outputs(params));
  const executable = await device.compile(graph);
  const tensors = graph.inputs.flatMap(({ attributes, shape, dtype }) => {
    const name = `${attributes.name}`;
    const values = given[name];
    if (values === undefined) return [];
    const data = dtype === "float32" ? Float32Array.from(values) : Int32Array.from(values);
    return [[name, { dtype, shape, data }] as const];
  });
  const found = await executable.run(new Map<string, TensorData>([...parameters, ...tensors]));
  await executable.release();
  return Object.fromEntries(
    Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

const int = (name: string, shape: Shape) => input(name, shape, "int32");

/** A past of `slots` slots in the sizes of the model, as inputs `past_mask`, `key.0`, `value.0`, … */
function pastInputs({ model }: ModelWithWeights, slots: number): Past {
  const { layers, heads, width } = model.keyValueSizes!;
  const shape = [1, heads, slots, width];
  return {
    mask: int("past_mask", [1, slots]),
    layers: Array.from({ length: layers }, (_, i) => ({
      key: input(`key.${i}`, shape),
      value: input(`value.${i}`, shape),
    })),
  };
}

function named(keyValues: readonly KeyValue[]): Output {
  return Object.fromEntries(
    keyValues.flatMap(({ key, value }, i) => [
      [`key.${i}`, key],
      [`value.${i}`, value],
    ]),
  );
}

/** Rows [h, T, d] written to the slots from `at` on of [h, slots, d]. */
function place(made: Float32Array, { model }: ModelWithWeights, at: number, slots: number) {
  const { heads, width } = model.keyValueSizes!;
  const length = made.length / heads / width;
  const held = new Float32Array(heads * slots * width).fill(9); // unfilled slots must not be read
  for (let head = 0; head < heads; head++)
    held.set(
      made.subarray(head * length * width, (head + 1) * length * width),
      (head * slots + at) * width,
    );
  return held;
}

for (const modelType of decoders)
  test(`${modelType}: a token after a past gives the logits that it has in the whole row`, async () => {
    const started = modelOf(modelType);
    const { model } = started;
    const whole = await run(
      started,
      (params) => {
        const { logits } = model.compute(
          params,
          batchInputs(model, { rows: 1, length: 5 }),
          noDropout,
        );
        return { logits };
      },
      { input_ids: ids, attention_mask: [1, 1, 1, 1, 1] },
    );
    const first = await run(
      started,
      (params) => {
        const batch = batchInputs(model, { rows: 1, length: 3 });
        return named(model.compute(params, batch, noDropout).keyValues);
      },
      { input_ids: ids.slice(0, 3), attention_mask: [1, 1, 1] },
    );
    const slots = 4; // of which the last is not filled
    const held = Object.entries(first).map(
      ([name, made]) => [name, place(made, started, 0, slots)] as const,
    );
    const { logits } = await run(
      started,
      (params) => {
        const batch: TokenBatch = {
          ...batchInputs(model, { rows: 1, length: 2 }),
          positionIds: int("position_ids", [1, 2]),
          past: pastInputs(started, slots),
        };
        return { logits: model.compute(params, batch, noDropout).logits };
      },
      {
        ...Object.fromEntries(held),
        input_ids: ids.slice(3),
        attention_mask: [1, 1],
        position_ids: [3, 4],
        past_mask: [1, 1, 1, 0],
      },
    );
    assertClose(logits!, whole.logits!.subarray(3 * 8), 1e-5, "logits");
  });

for (const modelType of decoders)
  test(`${modelType}: texts that share a row have the logits that they have alone`, async () => {
    const started = modelOf(modelType);
    const { model } = started;
    const logitsOf = (sizes: { length: number; packed?: boolean }, given: Given) =>
      run(
        started,
        (params) => {
          const batch = batchInputs(model, { rows: 1, ...sizes });
          return { logits: model.compute(params, batch, noDropout).logits };
        },
        given,
      );
    const a = await logitsOf({ length: 2 }, { input_ids: [5, 2], attention_mask: [1, 1] });
    const b = await logitsOf({ length: 3 }, { input_ids: [7, 3, 6], attention_mask: [1, 1, 1] });
    const both = await logitsOf(
      { length: 5, packed: true },
      {
        input_ids: ids,
        attention_mask: [1, 1, 1, 1, 1],
        position_ids: [0, 1, 0, 1, 2],
        text_ids: [1, 1, 2, 2, 2],
      },
    );
    assertClose(both.logits!, [...a.logits!, ...b.logits!], 1e-5, "logits");
  });

for (const modelType of ["bert", "roberta", "distilbert", ...decoders])
  test(`${modelType}: logits where they are wanted are those of everywhere`, async () => {
    const task = decoders.includes(modelType) ? "causal-lm" : "masked-lm";
    const config = { model_type: modelType, ...smallConfigs[modelType], initializer_range: 0.5 };
    const started = createModel(config, { task, seed: 1 });
    const { model } = started;
    const given = {
      input_ids: [5, 2, 7, 3],
      attention_mask: [1, 1, 1, 1],
      token_type_ids: [0, 0, 1, 1],
      logits_at: [3, 0],
    };
    const [all, some] = await Promise.all(
      [undefined, 2].map((logitsAt) =>
        run(
          started,
          (params) => {
            const sizes = { rows: 2, length: 2, ...(logitsAt && { logitsAt }) };
            return { logits: model.compute(params, batchInputs(model, sizes), noDropout).logits };
          },
          given,
        ),
      ),
    );
    const expected = [...all!.logits!.slice(3 * 8, 4 * 8), ...all!.logits!.slice(0, 8)];
    assertClose(some!.logits!, expected, 1e-6, "logits");
  });

test("t5: a token of the target after a past, with what is known of the encoder", async () => {
  const started = modelOf("t5");
  const { model } = started;
  const source = { input_ids: [4, 5, 6, 0], attention_mask: [1, 1, 1, 0] };
  const target = [0, 3, 6, 2];
  const computed = (length: number) => (params: ReadonlyMap<string, Value>) => {
    const batch = batchInputs(model, { rows: 1, length: 4, targetLength: length });
    const { logits, encoded, keyValues, crossKeyValues } = model.compute(params, batch, noDropout);
    const cross = Object.entries(named(crossKeyValues!)).map(([name, x]) => [`cross.${name}`, x]);
    return { logits, encoded: encoded!, ...named(keyValues), ...Object.fromEntries(cross) };
  };
  const whole = await run(started, computed(4), { ...source, decoder_input_ids: target });
  const first = await run(started, computed(3), {
    ...source,
    decoder_input_ids: target.slice(0, 3),
  });
  const slots = 5;
  const { heads, width } = model.keyValueSizes!;
  const cross = { key: "cross.key.0", value: "cross.value.0" };
  const { logits } = await run(
    started,
    (params) => {
      const shape = [1, heads, 4, width];
      const batch: TokenBatch = {
        inputIds: int("input_ids", [1, 4]),
        attentionMask: int("attention_mask", [1, 4]),
        decoder: {
          inputIds: int("decoder_input_ids", [1, 1]),
          positionIds: int("position_ids", [1, 1]),
          past: pastInputs(started, slots),
          cross: [{ key: input(cross.key, shape), value: input(cross.value, shape) }],
        },
      };
      return { logits: model.compute(params, batch, noDropout).logits };
    },
    {
      attention_mask: source.attention_mask,
      decoder_input_ids: [2],
      position_ids: [3],
      past_mask: [1, 1, 1, 0, 0],
      "key.0": place(first["key.0"]!, started, 0, slots),
      "value.0": place(first["value.0"]!, started, 0, slots),
      [cross.key]: first[cross.key]!,
      [cross.value]: first[cross.value]!,
    },
  );
  assertClose(logits!, whole.logits!.subarray(3 * 8), 1e-5, "logits");
});
