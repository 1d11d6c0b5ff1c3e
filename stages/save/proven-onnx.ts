import type { Device, TensorData, Tensors } from "../../compute/device.ts";
import { loadRuntime } from "../../compute/devices/onnxruntime/session-executable.ts";
import { hostType, nameOf, sizeOf, type Value } from "../../compute/graph.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { DeviceRequest } from "../../engine/stage.ts";
import type { BatchSizes } from "../../models/batch-inputs.ts";
import { fillNormal, hashAt, streamKey } from "../../models/counter-hash.ts";
import { exportModel, type OnnxFile } from "../../models/export-model.ts";
import type { Model } from "../../models/model.ts";
import type { ModelWithWeights } from "../../models/pretrained.ts";
import { openDevice } from "../open-device.ts";

/** More than the rounding of two orders of the same sums in float32, of values about 1 or as large as they are. */
const TOLERANCE = 1e-4;

/** A model's ONNX files by their paths, and the largest difference of their outputs from the model's own on sample batches. */
export async function exportProvenOnnx(
  { model, parameters }: ModelWithWeights,
  { device: request }: { device: DeviceRequest },
): Promise<{ files: ReadonlyMap<string, Uint8Array>; maxDifference: number }> {
  const files = exportModel(model, parameters);
  const device = await openDevice(request);
  const { InferenceSession } = await loadRuntime();
  let maxDifference = 0;
  for (const file of files) {
    const session = await InferenceSession.create(file.bytes, {
      intraOpNumThreads: request.threads,
      logSeverityLevel: 3,
    });
    for (const sizes of sampleSizes(model.maxLength)) {
      const [expected, batch] = await ownOutputs(file, sizes, { model, parameters, device });
      const found = await outputsOf(session, batch);
      for (const [name, { data }] of Object.entries(expected)) {
        const difference = largestDifference(data, found[name]!);
        maxDifference = Math.max(maxDifference, difference);
        if (!(difference <= TOLERANCE * Math.max(1, largest(data)))) throw tooDifferent(difference);
      }
    }
    await session.release();
  }
  return { files: new Map(files.map(({ path, bytes }) => [path, bytes])), maxDifference };
}

/** One row and several, one token and many: the files must take any. */
function sampleSizes(maxLength: number): readonly BatchSizes[] {
  return [
    { rows: 1, length: 1, targetLength: 1 },
    { rows: 2, length: Math.min(7, maxLength), targetLength: Math.min(5, maxLength) },
    { rows: 3, length: Math.min(64, maxLength), targetLength: Math.min(9, maxLength) },
  ];
}

/** What the model computes for a sample batch, and the batch. */
async function ownOutputs(
  file: OnnxFile,
  sizes: BatchSizes,
  { model, parameters, device }: ModelWithWeightsOn,
): Promise<readonly [Tensors, Tensors]> {
  const graph = file.graph(sizes);
  const given = graph.inputs.filter((value) => !parameters.has(nameOf(value)));
  const batch = given.map((value) => [nameOf(value), sampleTensor(value, model)] as const);
  const executable = await device.compile(graph);
  const outputs = await executable.run(new Map<string, TensorData>([...parameters, ...batch]));
  await executable.release();
  return [outputs, Object.fromEntries(batch)];
}

type ModelWithWeightsOn = Pick<ModelWithWeights, "model" | "parameters"> & {
  readonly device: Device;
};

/** Rows of random tokens, each one token shorter than the one before, padded; or random hidden states. */
function sampleTensor(value: Value, model: Model): TensorData {
  const { shape, dtype } = value;
  const length = shape[1]!;
  const key = streamKey(0, "onnx-sample", length);
  if (dtype === "float32") {
    const data = new Float32Array(sizeOf(shape));
    fillNormal(data, 1, key);
    return { dtype, shape, data };
  }
  const name = nameOf(value);
  const elementOf = (row: number, at: number) => {
    const isToken = at < Math.max(1, length - row);
    if (name.endsWith("attention_mask")) return Number(isToken);
    if (name === "token_type_ids") return 0;
    return isToken ? hashAt(key, row * length + at) % model.vocabSize : model.padTokenId;
  };
  const data = BigInt64Array.from({ length: sizeOf(shape) }, (_, i) =>
    BigInt(elementOf(Math.floor(i / length), i % length)),
  );
  return { dtype: "int64", shape, data };
}

async function outputsOf(
  session: import("onnxruntime-node").InferenceSession,
  batch: Tensors,
): Promise<Readonly<Record<string, ArrayLike<number>>>> {
  const { Tensor } = await loadRuntime();
  const feeds = Object.entries(batch).map(([name, { dtype, data, shape }]) => {
    return [name, new Tensor(hostType(dtype), data as never, shape)] as const;
  });
  const found = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(
    Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

function largestDifference(expected: ArrayLike<number | bigint>, found: ArrayLike<number>): number {
  if (expected.length !== found.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < found.length; i++) {
    const difference = Math.abs(Number(expected[i]) - found[i]!);
    if (!(difference <= most)) most = difference; // not a number, too
  }
  return most;
}

function largest(values: ArrayLike<number | bigint>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(Number(values[i])));
  return most;
}

function tooDifferent(difference: number): StageFailure {
  return new StageFailure({
    code: "onnx-differs",
    message: `A written ONNX file computes other numbers than the model: the largest difference is ${difference}, allowed is ${TOLERANCE} for values up to 1.`,
    hint: "this is a bug in the export: please report it with the model's config.json",
  });
}
