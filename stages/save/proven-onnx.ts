import type { TensorData, Tensors } from "../../compute/device.ts";
import { StageFailure } from "../../engine/diagnostic.ts";
import type { DeviceRequest } from "../../engine/stage.ts";
import { hashAt, streamKey } from "../../models/counter-hash.ts";
import { exportModel, inferenceGraph } from "../../models/export-model.ts";
import type { Model } from "../../models/model.ts";
import type { ModelWithWeights } from "../../models/pretrained.ts";
import { openDevice } from "../open-device.ts";

/** More than the rounding of two orders of the same sums in float32. */
const TOLERANCE = 1e-4;

/** A classifier as an ONNX file, and the largest difference of its logits from the model's own on sample batches. */
export async function exportProvenOnnx(
  { model, parameters }: ModelWithWeights,
  { device: request }: { device: DeviceRequest },
): Promise<{ bytes: Uint8Array; maxDifference: number }> {
  const bytes = exportModel(model, parameters).get("onnx/model.onnx")!;
  const device = await openDevice(request);
  const { InferenceSession } = await import("onnxruntime-node");
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: request.threads,
    logSeverityLevel: 3,
  });
  let maxDifference = 0;
  for (const shape of sampleShapes(model.maxLength)) {
    const batch = sampleBatch(model, shape);
    const expected = await device.compile(
      inferenceGraph(model, { rows: shape[0], length: shape[1] }),
    );
    const { logits } = await expected.run(new Map([...parameters, ...Object.entries(batch)]));
    await expected.release();
    const found = await logitsOf(session, batch);
    maxDifference = Math.max(maxDifference, largestDifference(logits!.data, found));
  }
  await session.release();
  if (!(maxDifference <= TOLERANCE)) throw tooDifferent(maxDifference);
  return { bytes, maxDifference };
}

/** One row and several, one token and many: the file must take any. */
function sampleShapes(maxLength: number): readonly (readonly [rows: number, length: number])[] {
  return [
    [1, 1],
    [2, Math.min(7, maxLength)],
    [3, Math.min(64, maxLength)],
  ];
}

/** Rows of random tokens, each one token shorter than the one before, padded. */
function sampleBatch(model: Model, shape: readonly [number, number]): Tensors {
  const [rows, length] = shape;
  const key = streamKey(0, "onnx-sample", length);
  const tensor = (element: (row: number, at: number) => number): TensorData => ({
    dtype: "int64",
    shape,
    data: BigInt64Array.from({ length: rows * length }, (_, i) =>
      BigInt(element(Math.floor(i / length), i % length)),
    ),
  });
  const isToken = (row: number, at: number) => at < Math.max(1, length - row);
  const token = (row: number, at: number) => hashAt(key, row * length + at) % model.vocabSize;
  return {
    input_ids: tensor((row, at) => (isToken(row, at) ? token(row, at) : model.padTokenId)),
    attention_mask: tensor((row, at) => (isToken(row, at) ? 1 : 0)),
    token_type_ids: tensor(() => 0),
  };
}

async function logitsOf(
  session: import("onnxruntime-node").InferenceSession,
  batch: Tensors,
): Promise<ArrayLike<number>> {
  const { Tensor } = await import("onnxruntime-node");
  const feeds = Object.fromEntries(
    Object.entries(batch).map(([name, { data, shape }]) => [
      name,
      new Tensor("int64", data as BigInt64Array, shape),
    ]),
  );
  return (await session.run(feeds)).logits!.data as Float32Array;
}

function largestDifference(expected: ArrayLike<number | bigint>, found: ArrayLike<number>): number {
  if (expected.length !== found.length) return Number.POSITIVE_INFINITY;
  return Array.from(expected, Number).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - found[i]!)),
    0,
  );
}

function tooDifferent(difference: number): StageFailure {
  return new StageFailure({
    code: "onnx-differs",
    message: `The written ONNX file gives other logits than the model: the largest difference is ${difference}, allowed is ${TOLERANCE}.`,
    hint: "this is a bug in the export: please report it with the model's config.json",
  });
}
